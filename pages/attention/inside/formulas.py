"""How one query and one key become a weight, as formulas with this text's own numbers.

In: an `engine.attention.transforms.Inside`. Out: TeX for each stage of `attention_inside`, in lines
that fit on a telephone. Draws nothing.
"""

from __future__ import annotations

import math

import numpy as np

from engine.attention.transforms import Inside


def formulas(inside: Inside, column: int) -> dict[str, str]:
    """TeX of each stage with this pair's own numbers."""
    weight, score = float(inside.weights[column]), inside.score
    pairs = zip(inside.query[:3].tolist(), inside.key[:3].tolist(), strict=True)
    products = [f"({a:.2f})({b:.2f})" for a, b in pairs]
    first, rest = " + ".join(products[:2]), "".join(f" + {one}" for one in products[2:])
    rest += r" + \dots" if len(inside.query) > 3 else ""
    bias = f" + ({inside.bias:.2f})" if inside.bias else ""
    scaled = (
        rf"\frac{{{inside.dot:.2f}}}{{\sqrt{{{len(inside.query)}}}}}"
        if math.isclose(inside.scale, len(inside.query) ** -0.5, rel_tol=1e-4)
        else rf"{inside.dot:.2f} \times {inside.scale:.3g}"
    )
    if not np.isfinite(score):
        masked = r"\text{score} = -\infty \\ \text{(masked: this query may not attend to it)}"
        softmax = r"\text{weight} = \frac{e^{-\infty}}{\sum_j e^{s_j}} = 0"
    else:
        masked = rf"\text{{score}} = {scaled}{bias} = {score:.2f}"
        open_scores = inside.scores[np.isfinite(inside.scores)]
        top = float(open_scores.max())
        total = float(np.exp(open_scores - top).sum()) / (1 - inside.sink)
        also = r" + \text{sink}" if inside.sink else ""
        softmax = (
            rf"\text{{weight}} = \frac{{e^{{s - \max s}}}}{{\sum_j e^{{s_j - \max s}}{also}}}"
            rf" \\ = \frac{{e^{{{score:.2f} - ({top:.2f})}}}}{{{total:.3f}}}"
            rf" = \frac{{{math.exp(score - top):.3f}}}{{{total:.3f}}} = {weight:.4f}"
        )
    length = float(np.linalg.norm(inside.value))
    return {
        "product": rf"q \cdot k = {first} \\ {{}}{rest} = {inside.dot:.2f}",
        "scale": masked,
        "softmax": softmax,
        "value": (
            rf"\text{{output}} = \sum_j w_j v_j, \\ \text{{this key contributes }}"
            rf" {weight:.3f} \times v,\ \lVert w\,v \rVert = {weight * length:.3f}"
        ),
    }
