"""Controls, each declared once: its key, label, what is legal, its default, and its help.

    LAYER = Control("layer", "Layer", range(1, 7), widget="slider")

    value = LAYER.check(legal=range(1, card.layers + 1))   # before the widget exists
    LAYER.draw()                                            # the widget, bound to the address

The declaration checks what a link says, draws the widget and writes the link, so that no option and
no default is written twice. What depends on the model or the text (how many layers) is given to
`check`, and `draw` uses the same. An option or a key that was renamed is still understood in old
links: `formerly` maps what was written to what it is now, `keys` names the keys of old.

Controls that are folded away are drawn when the fold is opened: see `built`.

`REGISTRY` holds every control by page, for tests and for whatever lists them; a control that
several pages share is declared where they all see it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import streamlit as st

from pages.shell.address import checked, checked_many, fresh, fresh_of_old, known, typed
from pages.shell.state import state

Legal = range | tuple[float, float] | Sequence[Any]
Widget = Literal[
    "segments", "select", "slider", "number", "toggle", "pills", "many", "chips", "text", "area"
]

PUT = "atlas-put-"  # a control that a button gave a value: before, now, since when
ON_ITS_WAY = 3.0  # seconds in which a browser may send what it showed before
REGISTRY: dict[str, Control] = {}
"""Every control by `page.key`."""


def _lower(value: Any) -> str:
    return str(value).lower()


@dataclass(frozen=True, eq=False)
class Control:
    """One control of a page.

    `legal` is a `range` of whole numbers, a tuple of two floats (lowest, highest) or the options;
    None where it is known only when the page is drawn. `default` is the first option if None.
    `shown` is how an option is written, on the screen and in links. `step` is that of a slider or
    a number field, `width` the widget's in pixels.
    """

    key: str
    label: str
    legal: Legal | None = None
    default: Any = None
    help: str | None = None
    widget: Widget = "segments"
    page: str = ""
    shown: Callable[[Any], str] = str
    step: float | None = None
    width: int | Literal["stretch", "content"] | None = None
    hidden_label: bool = False
    placeholder: str | None = None
    longest: int = 2000  # characters of a text field
    formerly: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Enter it in the registry; a key means one thing on a page."""
        name = f"{self.page}.{self.key}"
        assert self.page == "" or name not in REGISTRY, f"two controls are called {name}"
        if self.page:
            REGISTRY[name] = self

    # A toggle is two options to whoever checks it.
    def _legal(self, legal: Legal | None) -> Legal:
        if self.widget == "toggle":
            return (False, True)
        found = self.legal if legal is None else legal
        assert found is not None, f"{self.key}: what is legal is not said"
        return found

    def _default(self, legal: Legal, default: Any) -> Any:
        if self.widget in ("many", "chips"):
            return default or self.default or ()
        chosen = self.default if default is None else default
        if chosen is None:
            return legal[0]
        return chosen

    @property
    def _shown(self) -> Callable[[Any], str]:
        return _lower if self.widget == "toggle" else self.shown

    def check(
        self, legal: Legal | None = None, *, default: Any = None, because: str | None = None
    ) -> Any:
        """The value that the widget will have, a link's looked at and put right if need be.

        To be called in the page's run, before `draw` and outside of fragments. `legal` and
        `default` are said here where they depend on the model or the text; `because` is why a
        number is out of range ("tales-gpt has 6 layers").
        """
        fresh_of_old(self.key, self.keys, self.formerly)
        if self.widget in ("text", "area"):
            said = str((self.default if default is None else default) or "")
            typed(self.key, said)
            state().controls[self.key] = ((), said)
            given = fresh(self.key)
            if given:
                st.session_state[self.key] = given[-1][: self.longest]
            value = str(st.session_state.get(self.key, said) or "")
            known(self.key, value)
            return value
        options = self._legal(legal)
        chosen = self._default(options, default)
        state().controls[self.key] = (options, chosen)
        before, now, since = st.session_state.get(PUT + self.key, (None, None, 0.0))
        if since and before == st.session_state.get(self.key):
            if time.monotonic() - since < ON_ITS_WAY:
                st.session_state[self.key] = now
        if self.widget in ("many", "chips"):
            return checked_many(
                self.key, list(options), default=chosen, name=self.label, shown=self._shown
            )
        return checked(
            self.key,
            options,
            default=chosen,
            name=self.label,
            because=because,
            shown=self._shown,
        )

    def put(self, value: Any) -> None:
        """Give it a value, in a button's callback.

        A click that follows at once brings what the browser showed before it heard of this value:
        that does not undo it.
        """
        before = st.session_state.get(self.key)
        st.session_state[PUT + self.key] = (before, value, time.monotonic())
        st.session_state[self.key] = value

    def draw(self, **options: Any) -> Any:
        """Draw the widget with what `check` found legal; return its value.

        `options` go to Streamlit's widget as they are: `disabled`, `on_change`, `args`, `label`.
        """
        label = options.pop("label", self.label)
        legal, default = state().controls.get(self.key, ((), self.default))
        given: dict[str, Any] = {"key": self.key, "bind": "query-params", "help": self.help}
        if self.width is not None:
            given["width"] = self.width
        if self.hidden_label:
            given["label_visibility"] = "collapsed"
        if self.step is not None:
            given["step"] = self.step
        if self.shown is not str:
            given["format_func"] = self.shown
        given |= options
        # Streamlit is told the default too: what equals it stays out of the address.
        match self.widget:
            case "text" | "area":
                given = {"max_chars": self.longest, "placeholder": self.placeholder} | given
                field = st.text_input if self.widget == "text" else st.text_area
                return field(label, str(default or ""), **given)
            case "toggle":
                return st.toggle(label, bool(default), **given)
            case "slider":
                if legal[0] == legal[-1]:
                    return legal[0]  # a slider of one value cannot be drawn
                return st.slider(label, legal[0], legal[-1], default, **given)
            case "number":
                return st.number_input(label, legal[0], legal[-1], default, **given)
            case "select":
                return st.selectbox(label, legal, list(legal).index(default), **given)
            case "many":
                return st.multiselect(label, legal, list(default), **given)
            case "chips":
                given |= {"selection_mode": "multi", "default": list(default)}
                return st.pills(label, legal, **given)
            case "pills":
                return st.pills(label, legal, default=default, **given)
            case _:
                return st.segmented_control(label, legal, default=default, required=True, **given)

    @property
    def at_default(self) -> bool:
        """Whether it says what it says when nobody has touched it; `check` was called before."""
        value, default = self.value, state().controls.get(self.key, ((), self.default))[1]
        if self.widget in ("many", "chips"):
            return list(value or ()) == list(default or ())
        return value is None or value == default

    @property
    def value(self) -> Any:
        """The value now, for a fragment that runs alone; `check` was called in the page's run."""
        if self.key in st.session_state:
            return st.session_state[self.key]
        return state().controls.get(self.key, ((), self.default))[1]


class Fold(Protocol):
    """A popover or an expander (`on_change="rerun"`) that says whether it is open."""

    @property
    def open(self) -> bool | None:
        """Whether it is; None for one that was not asked to say so."""
        ...


def built(place: Fold, *controls: Control) -> bool:
    """Whether what is folded away is to be made in this run, and not when somebody opens it.

    Opening runs the page, or the part of it that the fold stands in, once more. A control that is
    not drawn leaves the address, so one that says something else than its default is drawn in a
    closed fold too, and so is one that a lesson points at.
    """
    if place.open:
        return True
    pointing = state().pointing
    pointed = pointing.controls if pointing is not None else ()
    return any(not control.at_default or control.key in pointed for control in controls)
