"""What models cost: parameters as PyTorch counts them, memory, compute, the laws of loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine.api import Engine
from engine.costs import memory, scaling
from engine.costs.gpus import gpu, gpus
from engine.costs.known_shapes import KNOWN, of_card
from engine.costs.memory import BYTES, Use
from engine.costs.scaling import LAWS, best
from engine.costs.shapes import MOST, Shape
from engine.decoding.batch import Decoder, encode
from engine.errors import NotOffered
from engine.models.bundle import read_card
from engine.models.catalog import SHIPPED
from engine.models.runtime import open_bundle
from tests.engine.checkpoints import Bundles

# Parameters as the checkpoints have them.
PUBLISHED = {
    "GPT-2 small": 124_439_808,
    "GPT-2 medium": 354_823_168,
    "GPT-2 large": 774_030_080,
    "GPT-2 XL": 1_557_611_200,
    "GPT-3 175B": 174_604_259_328,
    "SmolLM2 135M": 134_515_008,
    "Llama 2 7B": 6_738_415_616,
    "Llama 2 70B": 68_976_648_192,
    "Mistral 7B": 7_241_732_096,
    "Llama 3 8B": 8_030_261_248,
    "BERT base": 109_514_298,
    "BERT large": 335_174_458,
    "RoBERTa base": 124_697_433,
    "DistilBERT": 66_985_530,
    "T5 small": 60_506_624,
    "T5 base": 222_903_552,
    "T5 11B": 11_307_321_344,
    "BART base": 139_420_416,
    "BART large": 406_291_456,
}
# The same configurations in transformers, on no device: class and what differs from its default.
TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "GPT-2 small": ("GPT2LMHeadModel", {}),
    "GPT-2 XL": ("GPT2LMHeadModel", {"n_layer": 48, "n_embd": 1600, "n_head": 25}),
    "BERT base": ("BertForMaskedLM", {}),
    "DistilBERT": ("DistilBertForMaskedLM", {}),
    "RoBERTa base": (
        "RobertaForMaskedLM",
        {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1},
    ),
    "Llama 2 7B": ("LlamaForCausalLM", {}),
    "Mistral 7B": ("MistralForCausalLM", {}),
    "SmolLM2 135M": (
        "LlamaForCausalLM",
        {"num_hidden_layers": 30, "hidden_size": 576, "num_attention_heads": 9,
         "num_key_value_heads": 3, "intermediate_size": 1536, "vocab_size": 49152,
         "tie_word_embeddings": True},
    ),
    "T5 small": ("T5ForConditionalGeneration", {}),
    "BART large": ("BartForConditionalGeneration", {}),
}  # fmt: skip
TINY = "gpt2 bert roberta distilbert llama mistral qwen2 t5 bart marian".split()


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_shape_has_its_published_parameters(name: str) -> None:
    shape = KNOWN[name]
    assert shape.parameters == PUBLISHED[name] == sum(shape.parts.values())


@pytest.mark.parametrize("name", TORCH)
def test_a_shape_counts_as_pytorch_does(name: str) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    kind, given = TORCH[name]
    made = getattr(transformers, kind)
    with torch.device("meta"):
        model = made(made.config_class(**given))
    assert sum(one.numel() for one in model.parameters()) == KNOWN[name].parameters


@pytest.mark.parametrize(("name", "inner"), [("tales-gpt", 1024), ("tales-bert", 1024),
                                             ("fr-en", 768)])  # fmt: skip
def test_a_shipped_models_parameters_are_reproduced_from_its_card(
    name: str, inner: int, engine: Engine
) -> None:
    card = engine.card(name)
    shape = of_card(card)
    # 1,024 and 768 are what the recipes of engine/training say; the card does not.
    assert shape.parameters == card.parameters and shape.feed_forward == inner


@pytest.mark.parametrize("name", TINY)
def test_an_exported_models_parameters_are_reproduced_from_its_card(
    name: str, bundles: Bundles
) -> None:
    card = read_card(bundles(name))
    shape = of_card(card)
    assert shape.parameters == card.parameters and shape.layers == card.tower.layers


def test_a_model_with_parts_that_are_not_known_is_not_counted(bundles: Bundles) -> None:
    with pytest.raises(NotOffered, match="cannot be given part by part"):
        of_card(read_card(bundles("mixtral")))


def test_a_cache_is_two_numbers_a_layer_key_head_and_head_width() -> None:
    llama = KNOWN["Llama 2 7B"]
    assert llama.cache_bytes(2048) == 2 * 32 * 32 * 128 * 2048 * 2  # 1.07 GB
    assert llama.cache_bytes(2048) / 1e9 == pytest.approx(1.07, abs=0.005)
    assert KNOWN["Mistral 7B"].cache_bytes(2048) == llama.cache_bytes(2048) / 4  # 8 key heads
    assert KNOWN["BERT base"].cache_bytes(2048) == 0
    assert llama.cache_bytes(2048, batch=3, nbytes=4) == 6 * llama.cache_bytes(2048)


def test_the_cache_of_an_encoder_decoder_is_what_its_graphs_keep() -> None:
    """Its own keys and values, and those of a source of as many tokens."""
    bundle, tokens = open_bundle(SHIPPED / "fr-en"), 5
    with Decoder(bundle, source=encode(bundle, np.full((1, tokens), 7))) as decoder:
        decoder.prefill(np.full((1, tokens), 9))
        own = decoder.nbytes
    source = encode(bundle, np.full((1, tokens), 7)).values.values()
    crossing = sum(one.tensor_size_in_bytes() for one in source)
    assert of_card(bundle.card).cache_bytes(tokens, nbytes=4) == own + crossing


def test_flop_of_a_token_are_twice_the_matrices_and_the_attention() -> None:
    gpt = KNOWN["GPT-2 small"]
    assert gpt.matrices == 12 * 12 * 768**2  # Kaplan's 12 layers width²
    assert gpt.forward_flop() == 2 * (gpt.matrices + 50257 * 768)
    assert gpt.forward_flop(1024) - gpt.forward_flop() == 4 * 12 * 768 * 1024
    # A token of T5 passes one of two towers.
    t5 = KNOWN["T5 small"]
    assert t5.forward_flop() == t5.matrices + 2 * 32128 * 512


@pytest.mark.parametrize("name", [one for one in MOST if one != "key_heads"])
@pytest.mark.parametrize("value", [-1, 10**12])
def test_a_shape_out_of_range_is_refused_with_the_range(name: str, value: int) -> None:
    given = {"layers": 2, "width": 16, "heads": 2, "feed_forward": 32, "vocabulary": 100}
    with pytest.raises(NotOffered, match=r"out of range. Choose \d"):
        Shape("decoder", **(given | {name: value}))


def test_heads_that_cannot_share_key_heads_are_refused() -> None:
    with pytest.raises(NotOffered, match="a divisor of 12"):
        Shape("decoder", 2, 768, 12, 3072, 100, key_heads=5)


# --- Memory ---


def test_training_in_16_bits_with_adam_takes_16_bytes_a_parameter() -> None:
    shape = KNOWN["GPT-2 XL"]
    for precision in ("bf16", "fp32"):
        found = memory.memory(shape, Use("full", precision))
        known = sum(found[name] for name in ("weights", "gradients", "optimizer"))
        assert known == 16 * shape.parameters


def test_activations_are_the_papers_formula() -> None:
    shape = KNOWN["GPT-3 175B"]
    s, b, h, a, layers = 2048, 2, 12288, 96, 96
    given = Use("full", tokens=s, batch=b)
    assert memory.activations(shape, given) == pytest.approx(
        layers * s * b * h * (34 + 5 * a * s / h)
    )
    assert memory.activations(shape, Use("full", tokens=s, recompute="full")) == 2 * 96 * s * h
    selective = memory.activations(shape, Use("full", tokens=s, recompute="selective"))
    assert selective == 34 * 96 * s * h
    assert memory.activations(shape, Use("full", "fp32", tokens=s)) < 2 * memory.activations(
        shape, Use("full", tokens=s)
    )


def test_an_adapter_has_r_times_d_plus_k_parameters() -> None:
    # Hu et al. 2021, table 4: GPT-3 with rank 4 on queries and values has 18.9 million.
    use = Use("low rank", rank=4)
    assert memory.adapter_parameters(KNOWN["GPT-3 175B"], use) == 4 * 96 * 2 * 2 * 12288
    gpt = KNOWN["GPT-2 small"]
    every = memory.adapter_parameters(gpt, Use("low rank", rank=8, adapted="all"))
    assert every == 8 * 12 * (4 * 2 * 768 + 2 * (768 + 3072))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_an_adapter_matches_what_peft_trains() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft")
    config = transformers.LlamaConfig(
        vocab_size=100, hidden_size=64, intermediate_size=160, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    given = peft.LoraConfig(r=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
    trained = sum(
        one.numel() for one in peft.get_peft_model(model, given).parameters() if one.requires_grad
    )
    shape = Shape("decoder", 3, 64, 4, 160, 100, key_heads=2, gated=True)
    assert memory.adapter_parameters(shape, Use("low rank", adapted="q k v o")) == trained
    assert torch is not None


def test_weights_of_few_bits_run_and_carry_an_adapter_but_are_not_trained() -> None:
    shape = KNOWN["Llama 2 7B"]
    for precision, nbytes in BYTES.items():
        assert memory.memory(shape, Use("run", precision))["weights"] == nbytes * shape.parameters
    small = memory.memory(shape, Use("low rank", "int4", recompute="full"))
    assert sum(small.values()) < 8e9 < sum(memory.memory(shape, Use("full")).values())
    with pytest.raises(NotOffered, match="int4 are not trained"):
        Use("full", "int4")


@pytest.mark.parametrize("given", [{"tokens": 0}, {"batch": -1}, {"rank": 513}, {"tokens": 10**9}])
def test_a_use_out_of_range_is_refused_with_the_range(given: dict[str, int]) -> None:
    with pytest.raises(NotOffered, match=r"out of range. Choose 1 to"):
        Use("low rank", **given)


def test_compute_is_six_a_parameter_and_token() -> None:
    assert memory.training_flop(174.6e9, 300e9) == pytest.approx(3.14e23, rel=2e-3)
    # GPT-3's table D.1 counts T5 with 3: a token passes one of two towers.
    assert memory.training_flop(11e9, 1e12, towers=2) == pytest.approx(3.3e22)
    hour = memory.seconds(312e12 * 3600 * 4, count=8, flops=312e12, utilization=0.5)
    assert hour == pytest.approx(3600)
    for count, share in ((0, 0.5), (1, 0.0), (1, 1.5)):
        with pytest.raises(NotOffered, match="give no time"):
            memory.seconds(1e20, count=count, flops=1e12, utilization=share)


def test_accelerators_have_their_data_sheets() -> None:
    assert [one.memory for one in gpus()] == sorted(one.memory for one in gpus())
    assert all(one.source.link.startswith("https://") for one in gpus())
    assert (gpu("A100 80 GB").memory, gpu("A100 80 GB").flops) == (80, 312e12)
    assert gpu("H100 80 GB").flops == 989e12 and gpu("H200 141 GB").memory == 141


# --- Laws of loss ---


@pytest.mark.parametrize(
    ("law", "ratio"), [("Chinchilla", 93), ("Chinchilla, unrounded", 59), ("Refit 2024", 18)]
)
def test_what_rounding_alone_moves(law: str, ratio: int) -> None:
    assert round(best(LAWS[law], 5.76e23).ratio) == ratio


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("flop", [1e18, 5.76e23, 1e27])
def test_no_other_model_of_a_budget_has_less_loss(law: str, flop: float) -> None:
    one, found = LAWS[law], best(LAWS[law], flop)
    assert 6 * found.parameters * found.tokens == pytest.approx(flop)
    n = found.parameters * np.geomspace(0.01, 100, 4001)
    losses = one.loss(n, flop / 6 / n)
    assert losses.min() >= found.loss - 1e-12
    assert n[int(losses.argmin())] == pytest.approx(found.parameters, rel=0.005)


@pytest.mark.parametrize("law", LAWS)
def test_a_contour_has_its_loss_everywhere(law: str) -> None:
    one = LAWS[law]
    n = np.geomspace(*scaling.PARAMETERS, 200)
    d = one.tokens_at(2.5, n)
    there = np.isfinite(d)
    assert there.any() and not there.all()
    assert one.loss(n[there], d[there]) == pytest.approx(2.5)


def test_constants_are_those_of_the_papers() -> None:
    assert LAWS["Kaplan"].constants == {"N_c": 6.4e13, "D_c": 1.8e13, "α_N": 0.076, "α_D": 0.103}
    sums = {
        "Chinchilla": (1.69, 406.4, 410.7, 0.34, 0.28),
        "Chinchilla, unrounded": (1.6934, 406.4, 410.7, 0.3392, 0.2849),
        "Refit 2024": (1.8172, 482.01, 2085.43, 0.3478, 0.3658),
    }
    for law, constants in sums.items():
        assert tuple(LAWS[law].constants.values()) == constants
    assert LAWS["Refit 2024"].source.name == "arXiv 2404.10102"
    assert LAWS["Kaplan"].loss(6.4e13, math.inf) == 1.0


@pytest.mark.parametrize("flop", [0, -1, math.nan, math.inf])
def test_a_budget_out_of_range_is_refused(flop: float) -> None:
    with pytest.raises(NotOffered, match="out of range"):
        best(LAWS["Chinchilla"], flop)


def test_the_line_of_a_budget_keeps_within_what_is_drawn() -> None:
    for flop in scaling.BUDGETS:
        line = scaling.along(LAWS["Refit 2024"], flop)
        assert line["parameters"] * line["tokens"] * 6 == pytest.approx(flop)
        assert line["tokens"].min() >= 0.99 * scaling.TOKENS[0]
