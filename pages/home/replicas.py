"""The host's figures where a cluster answers: each replica, and where answers came from."""

from __future__ import annotations

import streamlit as st

from engine.cluster import monitoring, origins

LAST = 12  # answers that are shown one by one


def replicas() -> None:
    """Draw the cluster's part of the figures."""
    heard, account = monitoring.look(), origins.account()
    st.markdown("**Replicas of the cluster**")
    if heard.problem:
        st.error(heard.problem, icon=":material/error:")
    if heard.told:
        st.dataframe(
            [_row(kind, told) for kind, told in heard.told], hide_index=True, height="content"
        )
    if heard.silent:
        count = "1 replica" if heard.silent == 1 else f"{heard.silent} replicas"
        st.warning(f"{count} did not answer within {monitoring.PATIENCE:.0f} second.")
    left, right = st.columns(2)
    with left:
        st.markdown("**Where answers came from**")
        counts = account.counts()
        st.dataframe(
            {
                "from": [origins.MEANINGS[origin] for origin in counts],
                "how often": list(counts.values()),
            },
            hide_index=True,
            height="content",
        )
    with right:
        st.markdown("**The last answers**")
        st.dataframe(
            [
                {
                    "question": one.method,
                    "from": origins.MEANINGS[one.origin],
                    "replica": one.replica,
                    "ms": round(1000 * one.seconds),
                }
                for one in account.recent()[:LAST]
            ],
            hide_index=True,
            height="content",
        )


def _row(kind: str, told: dict) -> dict[str, object]:
    return {
        "Replica": told["replica"],
        "Works on": monitoring.KINDS[kind],
        "Version": told["version"][:8],
        "Questions": told["questions"],
        "Answered from its cache": told["kept"],
        "Model runs": int(told["runs"]),
        "Under way": told["streams"],
        "Waiting": told["waiting"],
        "Cache, MB": round(told["cache_mb"]),
        "Memory, MB": round(told["memory_mb"]),
    }
