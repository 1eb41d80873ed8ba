"""Home's last part, for the holder of the host's key alone: how this process fares, in pictures."""

from __future__ import annotations

import streamlit as st

from engine import policy
from engine.hosting import figures
from engine.hosting.health import Health, health
from engine.hosting.history import EVERY, Sample, history
from engine.settings import settings
from pages.home import replicas
from pages.pictures import charts
from pages.shell.client.visitor import visitor
from pages.shell.components import picture

SHOWN = 360  # points of a line: the last hour
MB = 10**6


def host() -> None:
    """Draw the figures, for who has the key; for all others there is nothing."""
    if not policy.is_admin(visitor()):
        return
    st.subheader("This host", anchor=False)
    st.fragment(_figures, run_every=EVERY)()


def _figures() -> None:
    found, samples = health(), history()[-SHOWN:]
    for problem in found.problems:
        st.error(problem, icon=":material/error:")
    _now(found)
    if len(samples) < 2:
        st.caption(f"Pictures begin after {2 * EVERY:.0f} seconds.")
    else:
        _pictures(samples)
    left, right = st.columns(2)
    with left:
        _counts("Refused since the start", figures.by_label("atlas_refusals", "reason"))
    with right:
        _counts("Long tasks since the start", figures.by_label("atlas_jobs", "kind"))
    if settings().engine == "cluster":
        replicas.replicas()
    st.caption("The same for Prometheus: /metrics, with the key as a bearer token.")


def _now(found: Health) -> None:
    hits = figures.value("atlas_cache_hits_total")
    asked = hits + figures.value("atlas_cache_misses_total")
    told = {
        "Visitors": f"{found.inside}",
        "In the queue": f"{found.waiting}",
        "Memory": f"{found.memory_mb:,.0f} MB",
        "Cache": f"{found.cache_mb:,.0f} MB",
        "Packed weights": f"{found.packed_mb:,.0f} MB of disk",
        "Found in the cache": f"{hits / max(asked, 1):.0%}",
        "Models open": f"{found.models_open} of {found.models_here}",
        "Model runs": f"{figures.value('atlas_runs_total'):,.0f}",
        "Tasks under way": f"{found.jobs}",
    }
    with st.container(horizontal=True, gap="medium"):
        for name, value in told.items():
            st.metric(name, value, width="content")


def _pictures(samples: tuple[Sample, ...]) -> None:
    """Four pictures of the last hour, two beside each other."""
    minutes = (samples[-1].at - samples[0].at) / 60
    drawn = {
        "Visitors": (
            "visitors",
            {
                "inside": [one.health.inside for one in samples],
                "in the queue": [one.health.waiting for one in samples],
            },
        ),
        "Work": (
            "a minute",
            {
                "model runs": [one.rates["runs"] for one in samples],
                "tokens written": [one.rates["tokens"] for one in samples],
            },
        ),
        "Memory": (
            "MB",
            {
                "the app": [one.health.memory_mb for one in samples],
                "of that the cache": [one.health.cache_mb for one in samples],
            },
        ),
        "Waiting and refusals": (
            "a minute",
            {
                "seconds that model runs waited": [one.rates["waits"] for one in samples],
                "refusals": [one.rates["refusals"] for one in samples],
            },
        ),
    }
    across = f"the last {minutes:.0f} minutes, a point every {EVERY:.0f} seconds"
    places = [*st.columns(2), *st.columns(2)]
    for number, (name, (up, series)) in enumerate(drawn.items()):
        with places[number]:
            svg = charts.lines(series, across=across, up=up, title=name, first=1)
            last = ", ".join(f"{each} {values[-1]:,.0f}" for each, values in series.items())
            st.markdown(f"**{name}**")
            picture(svg, key=f"host-{number}", alt=f"{name}, now: {last}")


def _counts(title: str, found: dict[str, float]) -> None:
    st.markdown(f"**{title}**")
    if not found:
        st.caption("None.")
        return
    st.dataframe(
        {"what": list(found), "how often": [int(count) for count in found.values()]},
        hide_index=True,
        height="content",
    )
