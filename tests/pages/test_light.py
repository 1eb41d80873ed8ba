"""Every page with what only export and new maps need taken away, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = '''
import json, os, sys
HEAVY = {heavy!r}

class Blocked:
    """Nothing of these libraries can be found, as if they were not installed."""
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
import importlib.util
from pathlib import Path
from streamlit.testing.v1 import AppTest

real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in HEAVY else real(name, *rest)
said = {{}}
for page in ("Home", *sorted(path.stem for path in Path("pages").glob("[0-9]*.py"))):
    app = AppTest.from_file("{root}/app.py", default_timeout=120)
    if page != "Home":
        app.switch_page(f"pages/{{page}}.py")
    app.run()
    said[page] = {{
        "crash": [f"{{one.message}} {{one.stack_trace[-3:]}}" for one in app.exception],
        "errors": [one.value for one in app.error],
        "title": [one.value for one in app.title],
    }}
from engine import installing
said["missing"] = [*installing.missing("models"), *installing.missing("maps")]
said["imported"] = sorted(HEAVY & set(sys.modules))
print(json.dumps(said), flush=True)
os._exit(0)  # a text may still be written, and nobody waits for it
'''


def test_every_page_opens_without_what_only_export_needs(tmp_path: Path) -> None:
    heavy = {
        "torch", "transformers", "onnx", "onnxscript", "umap", "sklearn", "scipy", "numba",
        "safetensors", "sentencepiece",
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(heavy=heavy, root=ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    said = json.loads(run.stdout.splitlines()[-1])
    assert "torch" in said.pop("missing") and said.pop("imported") == []
    assert len(said) == 1 + len(list((ROOT / "pages").glob("[0-9]*.py")))
    for page, found in said.items():
        assert not found["crash"] and not found["errors"] and found["title"], (page, found)
