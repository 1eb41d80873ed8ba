"""The house stands as drawn: imports point one way, names and settings are what they say."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from pages.pictures import palette
from pages.shell.frame import PAGES, samples

ROOT = Path(__file__).resolve().parents[1]
CODE = sorted(
    path
    for folder in ("engine", "pages")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
) + [ROOT / "app.py"]
SCRIPTS = [ROOT / "app.py", *sorted((ROOT / "pages").glob("[0-9]*.py"))]
HEAVY = {"torch", "transformers", "onnx", "onnxscript", "umap", "sklearn", "numba"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, also late ones and those for types alone."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dotted(path: Path) -> str:
    """The name that a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def under(path: Path, *parts: str) -> bool:
    return path.is_relative_to(ROOT.joinpath(*parts))


def starts(wanted: str, *heads: str) -> bool:
    return any(wanted == head or wanted.startswith(head + ".") for head in heads)


def against(path: Path, wanted: str) -> bool:
    """Whether an import goes against the one direction that imports have."""
    here, there = path.relative_to(ROOT).parts, wanted.split(".")
    trains = under(path, "engine", "export") or under(path, "engine", "training")
    if not trains and starts(wanted, "engine.export", "engine.training"):
        return True
    if here[0] == "engine":
        return starts(wanted, "pages", "streamlit", "plotly", "pandas")
    if under(path, "pages", "pictures") or path.name == "picture.py":
        if starts(wanted, "streamlit", "pages.shell"):
            return True
    if here[0] == "pages" and there[0] == "pages" and len(here) > 2 and len(there) > 1:
        # A page knows itself, the shell and the pictures; those know no page.
        if there[1] not in {here[1], "shell", "pictures"}:
            return True
    return re.match(r"pages\.\d", wanted) is not None


@pytest.mark.parametrize(
    ("file", "wanted", "wrong"),
    [
        ("engine/attention/maps.py", "pages.shell.frame", True),
        ("engine/attention/maps.py", "engine.export.bundling", True),
        ("engine/attention/maps.py", "numpy", False),
        ("engine/export/card.py", "engine.export.model", False),
        ("engine/training/shipping.py", "engine.export.__main__", False),
        ("pages/attention/map/picture.py", "streamlit", True),
        ("pages/attention/map/section.py", "streamlit", False),
        ("pages/pictures/svg.py", "pages.shell.state", True),
        ("pages/attention/words.py", "pages.decoding.plan", True),
        ("pages/attention/words.py", "pages.attention.labels", False),
        ("pages/shell/frame.py", "pages.home.path", True),
        ("pages/shell/frame.py", "pages.3_Attention", True),
        ("app.py", "pages.home.path", False),
    ],
)
def test_the_direction_is_told_from_an_import(file: str, wanted: str, wrong: bool) -> None:
    assert against(ROOT / file, wanted) is wrong


def test_imports_point_one_way() -> None:
    wrong = [f"{name(path)}: {d}" for path in CODE for d in imports(path) if against(path, d)]
    assert not wrong, "imports against the direction:\n" + "\n".join(wrong)


def test_only_export_and_training_import_torch() -> None:
    wrong = [
        f"{name(path)}: {wanted}"
        for path in CODE
        if not under(path, "engine", "export") and not under(path, "engine", "training")
        for wanted in imports(path)
        if starts(wanted, "torch", "transformers", "onnx")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_over_others() -> None:
    modules = {dotted(path): path for path in CODE}
    wants = {
        module: {found for found in imports(path) if found in modules} - {module}
        for module, path in modules.items()
    }
    # A package holds its modules: importing one runs the package's own file, which imports none.
    left = dict(wants)
    while free := [module for module, wanted in left.items() if not wanted & set(left)]:
        for module in free:
            del left[module]
    assert not left, f"in circles: {sorted(left)}"


def test_folders_and_modules_stay_small() -> None:
    folders = Counter(path.parent for path in CODE if path.name != "__init__.py")
    crowded = [f"{name(folder)}: {count}" for folder, count in folders.items() if count > 15]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    long = [f"{name(path)}: {lines} lines" for path, lines in lengths.items() if lines > 400]
    assert not crowded + long, "\n".join(crowded + long)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name(path) for path in CODE if path not in SCRIPTS and not ast.get_docstring(tree(path))
    ]
    assert not silent, "without a docstring:\n" + "\n".join(silent)


def test_pages_are_found_in_their_folder_only() -> None:
    for path in CODE:
        calls = [node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)]
        assert "navigation" not in calls, f"{name(path)} calls st.navigation"


def test_a_page_begins_with_the_frame_and_shows_errors_as_sentences() -> None:
    wrong = []
    for path in SCRIPTS:
        # In the script itself, or in the `page` module that it calls.
        called = [
            ROOT / f"{dotted.replace('.', '/')}.py"
            for dotted in imports(path)
            if dotted.endswith(".page") and dotted.count(".") == 2
        ]
        nodes = [node for one in (path, *called) for node in ast.walk(tree(one))]
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        if not {"frame", "sentences"} <= names or name(path) not in {page.file for page in PAGES}:
            wrong.append(name(path))
    assert not wrong and len(SCRIPTS) == len(PAGES), wrong


def test_public_names_are_sorted_and_there() -> None:
    for path in CODE:
        if under(path, "engine", "export") or under(path, "engine", "training"):
            continue
        if re.match(r"\d", path.stem) or path.name == "app.py":
            continue
        module = importlib.import_module(dotted(path))
        listed = getattr(module, "__all__", None)
        if listed is not None:
            assert list(listed) == sorted(listed), name(path)
            for each in listed:
                there = hasattr(module, each) or find_spec(f"{dotted(path)}.{each}") is not None
                assert there, f"{name(path)} has no {each}"


def test_no_outside_address_in_what_the_browser_gets() -> None:
    address = re.compile(r"""(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s"')]*""", re.IGNORECASE)
    allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}
    files = [path for path in CODE if under(path, "pages")] + [ROOT / "app.py"]
    files += [*(ROOT / "assets" / "components").iterdir(), *(ROOT / "assets").glob("*.svg")]
    for path in files:
        text = path.read_text(encoding="utf-8")
        found = {match for match in address.findall(text)} - allowed
        assert not found, f"{name(path)} names {found}"


def test_the_app_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys; import pages.shell.frame, pages.shell.share, pages.shell.jobs\n"
        "import importlib, pathlib\n"
        "for p in pathlib.Path('pages').glob('*/**/*.py'):\n"
        "    importlib.import_module('.'.join(p.with_suffix('').parts).removesuffix('.__init__'))\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip() == "[]", run.stdout + run.stderr


def config() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_the_server_is_set_up_as_measured() -> None:
    found = config()
    assert found["runner"]["postScriptGC"] is False
    assert found["global"]["maxCachedMessageAge"] == 20
    assert found["client"]["showSidebarNavigation"] is False
    assert found["browser"]["gatherUsageStats"] is False
    assert found["browser"]["serverAddress"] == "localhost"
    assert "enableStaticServing" not in found["server"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_and_the_palette_agree(theme: str) -> None:
    found, dark = config()["theme"][theme], theme == "dark"  # type: ignore[index]
    for option, colour in {
        "backgroundColor": palette.PAPER,
        "secondaryBackgroundColor": palette.SURFACE,
        "textColor": palette.INK,
        "primaryColor": palette.ACCENT,
        "borderColor": palette.LINE,
    }.items():
        assert found[option] == palette.hexadecimal(colour, dark=dark), option
    categories = [palette.hexadecimal(colour, dark=dark) for colour in palette.CATEGORIES]
    assert found["chartCategoricalColors"] == categories


def test_the_readme_names_every_shipped_model_and_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in (ROOT / "assets" / "models").iterdir():
        if (folder / "card.json").exists():
            assert f"`{folder.name}`" in readme, folder.name
    for page in PAGES:
        assert f"**{page.title}**" in readme


def test_every_page_has_a_sample_and_every_sample_a_page() -> None:
    titles = {page.title for page in PAGES}
    for sample in samples():
        assert set(sample.pages) <= titles, sample.name
        assert len(sample.why) <= 120 and sample.text.strip() == sample.text
    for title in (page.title for page in PAGES if page.pictures):
        assert any(title in sample.pages for sample in samples()), title


def test_component_code_stays_small() -> None:
    # It travels again with every change of a component's data.
    for path in (ROOT / "assets" / "components").iterdir():
        assert path.stat().st_size < 20_000, name(path)
