"""Lessons that are also played: the way from the lesson to its game on Learn."""

from __future__ import annotations

import streamlit as st

from engine.learn.lessons import Lesson
from pages.shell.menu import FILES

GAME = "game"
GUESS = "guess"
GAMES = {"1.2": GUESS}


def game_link(lesson: Lesson) -> None:
    """The link to a lesson's game, where it has one."""
    if lesson.id in GAMES:
        with st.container(key="atlas-game-link", width="content"):
            st.page_link(
                FILES["Learn"],
                label="Play it as a game",
                icon=":material/casino:",
                query_params={GAME: GAMES[lesson.id]},
                width="content",
            )
