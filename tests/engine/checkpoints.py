"""Tiny random checkpoints of each family, saved as the Hub keeps them, with a real tokenizer.

    save("gpt2", folder)     config.json, model.safetensors, tokenizer.json, ...
    Bundles(root)("gpt2")    the folder of its bundle, exported once whoever asks

Two layers of width 16: an export takes seconds. Weights are drawn wide enough for the heads to
differ. torch and transformers are imported only when a checkpoint is made.
"""

from __future__ import annotations

import gc
import inspect
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.engine import kept
from tests.engine.kept import Kept
from tests.engine.recipes import CORPUS, RECIPES

ROOT = Path(__file__).resolve().parents[2]


def recipe(name: str) -> str:
    """All that `save` makes a checkpoint of, as text."""
    kind, make_tokenizer, special, config = RECIPES[name]
    code = [inspect.getsource(function) for function in (make_tokenizer, save, spread)]
    return repr((kind, special, config, CORPUS, code))


def save(name: str, folder: Path) -> None:
    """Make the checkpoint called `name` in `folder`."""
    import torch
    import transformers

    kind, make_tokenizer, special, config = RECIPES[name]
    tokenizer = make_tokenizer()
    torch.manual_seed(20260101)
    model_class = getattr(transformers, kind)
    settings = model_class.config_class(**{"vocab_size": tokenizer.get_vocab_size(), **config})
    model = model_class(settings)
    spread(model)
    model.save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    fast.save_pretrained(folder)


def spread(model: Any) -> None:
    """Draw the weights wider than training starts with: attention far from uniform."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.requires_grad:
                continue
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        for name, buffer in model.named_buffers():
            if name == "final_logits_bias":
                buffer.normal_(0, 0.3)


class Bundles:
    """Checkpoints and bundles under one folder, each made once even by several processes.

    What an earlier run made of the same sources is copied from where it was kept.
    """

    def __init__(self, root: Path, stock: Kept | None = None) -> None:
        self.root = root
        self.stock = stock or Kept(kept.folder())
        root.mkdir(parents=True, exist_ok=True)

    def checkpoint(self, name: str, make: Callable[[str, Path], None] = save) -> Path:
        """The folder of a checkpoint, made by `make(name, folder)`."""
        written = recipe(name) if make is save else kept.files_of(save, make)
        digest = kept.key("checkpoint", name, written, kept.versions())
        folder = self.root / "checkpoints" / name
        return self._once(folder, digest, lambda folder: make(name, folder))

    def __call__(self, name: str, *options: str) -> Path:
        """The folder of a bundle; options such as "--store", "int8" make another bundle."""
        return self.of(self.checkpoint(name), name, *options)

    def of(self, source: Path, name: str, *options: str) -> Path:
        """The bundle of a checkpoint that lies elsewhere."""
        # A card names the folder that it was made of.
        parts = (source.name, kept.of_files(source), *options, kept.exporter())
        folder = self.root / "bundles" / "-".join([name, *(o.strip("-") for o in options)])
        return self._once(
            folder, kept.key("bundle", *parts), lambda out: export(source, out, *options)
        )

    def _once(self, folder: Path, digest: str, make: Callable[[Path], None]) -> Path:
        lock = self.root / f"{folder.parent.name}-{folder.name}.lock"
        with FileLock(lock):
            done = folder.with_name(f"{folder.name}.done")
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                self.stock.into(folder, digest, make)
                done.touch()
        return folder


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Tracing makes millions of small objects that live to its end: looked through in vain."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def export(source: Path | str, out: Path, *options: str) -> None:
    """Run the export command, as a person would; in this process where torch is loaded anyway."""
    arguments = [str(source), "--out", str(out), *options]
    if "torch" in sys.modules:
        from engine.export.__main__ import main

        with warnings.catch_warnings(), no_garbage_collection():
            warnings.simplefilter("ignore")
            assert main(arguments) == 0, f"export of {source} failed"
        return
    done = subprocess.run(
        [sys.executable, "-m", "engine.export", *arguments],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"export of {source} failed:\n{done.stdout}{done.stderr[-3000:]}")
