"""How often the answer is right over held-out items, begun by hand, with progress and stop."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from engine.errors import NotOffered
from engine.jobs.registry import Job
from engine.prompting.accuracy import Graded, Trial, balanced, graded
from engine.prompting.tasks import ready_tasks
from pages.prompting import recipes
from pages.prompting.accuracy import picture as view
from pages.prompting.controls import ITEMS
from pages.prompting.plan import Plan, listing
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.fragments import Runs, fragment
from pages.shell.share import share_menu
from pages.shell.state import state
from pages.shell.tables import read_aloud

ASKED = "accuracy-asked"
EVERY = 0.4  # seconds between two looks at a grading
SIZES, USUAL = (12, 20, 40, 60), 20  # items


def prompting_accuracy(plan: Plan) -> None:
    """Draw what is graded so far, or what would be; the buttons that begin and stop."""
    _gradable(plan)
    items = plan.task.items
    sizes = tuple(dict.fromkeys(min(size, len(items)) for size in SIZES))
    size = int(ITEMS.check(sizes, default=min(USUAL, len(items))))
    trial = Trial(
        plan.model,
        replace(plan.prompt, question=""),
        plan.answers,
        balanced(items, size, plan.seed),
        plan.counts,
    )
    if st.session_state.pop(ASKED, False):
        engine().grade(trial, viewer=state().viewer)
    job = engine().grading(trial)
    live = job is not None and not job.done
    fragment(_watch, EVERY if live else None, trial)
    # Outside of the fragment: a press must run the page.
    _below(trial, _found(job, trial), live=live)
    if job is not None and job.error is not None and not job.stopped:
        raise job.error


def _gradable(plan: Plan) -> None:
    if not plan.task.items:
        names = listing([task.name for task in ready_tasks() if task.items])
        raise NotOffered(
            f"“{plan.task.name}” has no held-out items, as no fixed answers are right. "
            f"Accuracy is measured for {names}."
        )
    if not plan.gradable:
        missing = next(one.answer for one in plan.task.items if one.answer not in plan.answers)
        raise NotOffered(
            f"The held-out items are answered by “{missing}” too, which is no admissible answer "
            "now. Add it below."
        )
    if plan.fit < 0:
        raise NotOffered("The prompt does not fit into the context window. Shorten it below.")


def _watch(runs: Runs, trial: Trial) -> None:
    job = engine().grading(trial)
    live = job is not None and not job.done
    if job is not None and live:
        job.watch(state().viewer)
    found = _found(job, trial)
    words = view.said(found, len(trial.answers), live=live)
    svg = view.drawing(found, len(trial.answers), words)
    picture(svg, key="accuracy-curve", alt=words)
    st.caption(plain(words))
    if job is not None and live:
        st.progress(job.progress, text=plain(job.stage or "Reading the prompts"))
    if job is not None and job.done and not runs.first:
        st.rerun()


def _below(trial: Trial, found: Graded, *, live: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        ITEMS.draw(disabled=live)
        whole = bool(found.done.min() == len(trial.items))
        st.button(
            "Measure accuracy",
            key="accuracy-begin",
            type="secondary" if live or whole else "primary",
            icon=":material/fact_check:",
            disabled=live or whole,
            help="It is measured. Another seed draws other items." if whole else None,
            on_click=_begin,
        )
        st.button(
            "Stop",
            key="accuracy-stop",
            icon=":material/stop:",
            disabled=not live,
            on_click=partial(_stop, trial),
        )
        if found.done.any() and not live:
            words = view.said(found, len(trial.answers), live=False)
            svg = view.drawing(found, len(trial.answers), words)
            share_menu(
                "accuracy",
                python=partial(recipes.graded, trial),
                svg=svg,
                data=lambda: view.table(trial, found),
                title="Accuracy against number of examples",
            )
    if found.done.any() and not live:
        read_aloud("accuracy", lambda: view.table(trial, found))


def _found(job: Job | None, trial: Trial) -> Graded:
    if job is None:
        return graded(trial)
    return job.result or job.partial or graded(trial)


def _begin() -> None:
    # Begun in the page's run, where a refusal is a sentence.
    st.session_state[ASKED] = True


def _stop(trial: Trial) -> None:
    job = engine().grading(trial)
    if job is not None:
        job.cancel(state().viewer)
