"""What of the components' code travels to a browser: one text each, whole, small, without types."""

import re
from pathlib import Path

import pytest

from pages.shell.components import ASSETS, EXPORTED, script

COMPONENTS = sorted(
    path.name for path in ASSETS.glob("*.js") if "export default" in path.read_text()
)
DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.M)
IMPORTED = re.compile(r'^import .* from "\./(.*)";$', re.M)


def modules(name: str) -> set[str]:
    """A module's file and all that it needs."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    return {name}.union(*map(modules, IMPORTED.findall(text)))


def test_components_are_those_with_a_default_export() -> None:
    assert {"cloud.js", "columns.js", "picture.js", "space.js"} <= set(COMPONENTS)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_is_one_text_without_imports_types_and_comments(name: str) -> None:
    text = script(name)
    assert not re.search(r"^\s*import\b|\bimport\(|/\*\*|^\s*//|^export (?!default)", text, re.M)
    assert re.findall(r"^export default .*$", text, re.M) == [EXPORTED]
    assert len(re.findall(r"^function component ?\(", text, re.M)) == 1


@pytest.mark.parametrize("name", COMPONENTS)
def test_no_two_modules_of_a_component_declare_the_same_name(name: str) -> None:
    texts = [(ASSETS / part).read_text(encoding="utf-8") for part in sorted(modules(name))]
    declared = [each for text in texts for each in DECLARED.findall(text)]
    assert len(declared) == len(set(declared)), declared


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_travels_with_each_change_of_data_stays_small(name: str) -> None:
    assert len(script(name).encode()) < 20_000


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.js")), ids=lambda path: path.name)
def test_imports_are_written_so_that_they_are_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # Another form would stay in the text, or a name given anew would not be declared in it.
    for line in re.findall(r"^import\b.*$", text, re.M):
        assert re.fullmatch(r'import \{ [\w, ]+ \} from "\./[\w-]+\.js";', line), line
        assert " as " not in line, line


def test_a_module_that_two_others_need_comes_once_and_first() -> None:
    text = script("space.js")
    assert text.count("function element(") == 1
    assert text.index("function element(") < text.index("function button(")
    assert text.index("function button(") < text.index("export default")
