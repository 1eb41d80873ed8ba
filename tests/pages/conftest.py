"""Pages run by AppTest, from app.py, as `page_link` needs the whole app."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def full_errors() -> Iterator[None]:
    """Tracebacks in the page, which people at the screen do not see."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


@pytest.fixture
def open_page() -> Open:
    """`open_page("3_Attention", layer="2", text="a b")`: a page, run once, its address as given.

    `"Home"` is app.py itself. The models are the shipped ones.
    """

    def opened(name: str, *, seconds: float = 60, **address: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=seconds)
        for key, value in address.items():
            app.query_params[key] = value
        if name != "Home":
            app.switch_page(f"pages/{name}.py")
        return app.run()

    return opened


def sentences(app: AppTest) -> list[str]:
    """What a page's warnings and errors say, without the escapes of Markdown."""
    boxes = [*app.warning, *app.error]
    return [box.value.replace("\\", "") for box in boxes]


def crash(app: AppTest) -> str:
    """The tracebacks that a page shows, "" where it ran well: `assert not crash(app)`."""
    return "\n".join(f"{one.message}\n" + "\n".join(one.stack_trace) for one in app.exception)
