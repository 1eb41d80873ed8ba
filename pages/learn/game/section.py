"""The game on the page: a text is chosen, words are guessed one by one, the bits are counted.

Session keys: `guess-bets` (what was bet in the game that is played), `guess-problem` (why a bet was
not taken). The address carries the text, the model and the word that one is at; bets are nobody
else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from engine.learn import guessing
from engine.learn.asking import Asked
from engine.learn.guessing import Bet, Game, Scored, Turn
from engine.learn.words import plain_word
from engine.settings import settings
from pages.learn.game import picture as drawing
from pages.learn.game import rules
from pages.shell import address
from pages.shell.address import plain, select, selection
from pages.shell.cache import engine
from pages.shell.client.focus import focus_on
from pages.shell.components import picture
from pages.shell.controls import Control
from pages.shell.lesson.game import GAME, GUESS
from pages.shell.menu import samples
from pages.shell.share import share_menu
from pages.shell.state import state

PASSAGE, TURN, OWN, END = "passage", "turn", "own", "end"
BETS, PROBLEM = "guess-bets", "guess-problem"
AROUND = 400  # characters of the text before the gap that are shown
OPPONENT = Control(
    "opponent",
    "Play against",
    widget="select",
    page="learn",
    width=260,
    help="A model that writes from left to right.",
)


@dataclass(frozen=True)
class Play:
    """What is played: the text with its turns, and the bets so far by turn."""

    at: Asked
    game: Game
    bets: dict[int, tuple[Bet, ...]]

    @property
    def played(self) -> list[Scored]:
        """The turns that were played, scored."""
        turns = self.game.turns
        return [
            guessing.score(one, self.bets[one.number]) for one in turns if one.number in self.bets
        ]


def asked() -> bool:
    """Whether the address asks for the game."""
    return selection(GAME, (GUESS,), name="Game") is not None


def coming() -> bool:
    """Whether it will, before the page has read its address."""
    return state().values.get(GAME, st.query_params.get(GAME)) == GUESS


def guess_game() -> None:
    """Draw the game. Raises what reading a text raises."""
    names = [one.name for one in engine().models() if one.ready and one.family == "decoder"]
    st.subheader("Guess the next word", anchor=False)
    OPPONENT.check(names)
    ready = _ready()
    passage = selection(PASSAGE, (*ready, OWN), name="Text")
    turn = selection(TURN, (*map(str, range(1, guessing.TURNS + 1)), END), name="Word")
    if passage is None:
        focus_on("guess-own", "choose", key="guess-focus")
        _choose(ready)
        return
    at = Asked(engine(), str(OPPONENT.value), state().text if passage == OWN else ready[passage])
    _leave()
    play = Play(at, guessing.game(at), _bets(at))
    number = len(play.game.turns) + 1 if turn == END else int(turn or 1)
    if number > len(play.game.turns):
        focus_on("guess-again", "end", key="guess-focus")
        _end(play)
    elif number in play.bets:
        focus_on("guess-on", f"{number} shown", key="guess-focus")
        _shown(play, play.game.turns[number - 1])
    else:
        focus_on(f"guess-word-{number}-1", f"{number} open", key="guess-focus")
        _open(play, play.game.turns[number - 1])
    _rules()


def _ready() -> dict[str, str]:
    """The samples that are long enough, by name: those of other pages and the game's own."""
    least = guessing.GIVEN + guessing.TURNS
    offered = {"Learn", "Decoding", "Embeddings", "Attention"}
    return {
        one.name: one.text
        for one in samples()
        if offered & set(one.pages) and not one.chat and "\n" not in one.text
        if len(one.text.split()) >= least
    }


def _choose(ready: dict[str, str]) -> None:
    st.markdown(rules.INTRO)
    OPPONENT.draw()
    with st.container(horizontal=True, gap="small"):
        for number, name in enumerate(ready):
            st.button(
                name, key=f"guess-text-{number}", on_click=_begin, args=(name,), type="primary"
            )
    st.text_area(
        "A text of your own",
        key="guess-own",
        max_chars=settings().max_chars,
        height=90,
        placeholder=f"{guessing.GIVEN + guessing.TURNS} words or more, which the others do not see",
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Start with my text", key="guess-start", on_click=_begin, args=(OWN,))
        _back()
    _rules(first=True)


def _leave() -> None:
    with st.container(horizontal=True, gap="small"):
        st.button("Another text", key="guess-other", on_click=_begin, args=(None,), type="tertiary")
        _back()


def _back() -> None:
    st.button("The course", key="guess-course", on_click=select, args=(GAME, None), type="tertiary")


def _open(play: Play, turn: Turn) -> None:
    """The text up to the gap, and the fields for words and chips."""
    _text(turn, None)
    st.caption(f"Word {turn.number} of {len(play.game.turns)}. {rules.CHIPS_SAID}")
    problem = st.session_state.pop(PROBLEM, "")
    with st.form(f"guess-form-{turn.number}", border=False):
        for place in range(1, guessing.WORDS + 1):
            with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
                st.text_input(
                    f"Word {place}",
                    key=f"guess-word-{turn.number}-{place}",
                    max_chars=40,
                    width=240,
                )
                st.number_input(
                    f"Chips on word {place}",
                    0,
                    guessing.STAKED,
                    5 if place == 1 else 0,
                    key=f"guess-chips-{turn.number}-{place}",
                    width=150,
                )
        if problem:
            st.warning(plain(problem), icon=":material/info:")
        st.form_submit_button(
            "Show what the model expected",
            key=f"guess-show-{turn.number}",
            type="primary",
            on_click=_bet,
            args=(play.at, turn.number),
        )
    if play.played:
        st.caption(rules.so_far(play.played))


def _shown(play: Play, turn: Turn) -> None:
    """Both distributions, and what each pays."""
    scored = guessing.score(turn, play.bets[turn.number])
    _text(turn, turn.word)
    said = rules.turn_said(scored)
    st.markdown(plain(said))
    last = turn.number == len(play.game.turns)
    st.button(
        "Who was closer?" if last else "Next word",
        key="guess-on",
        type="primary",
        on_click=select,
        args=(TURN, END if last else str(turn.number + 1)),
    )
    svg = drawing.shares(_rows(play.at, scored), "Your probabilities and the model's", said)
    picture(svg, key="guess-shares", alt=said)
    st.caption(rules.so_far(play.played))


def _rows(at: Asked, scored: Scored) -> list[drawing.Row]:
    """The word that came, the player's words, and what the model expected, each once."""
    turn, bets = scored.turn, scored.bets
    models = {turn.word: turn.share}
    models |= {
        bet.word: guessing.model_share(at, turn, bet.word)
        for bet in bets
        if plain_word(bet.word) != plain_word(turn.word)
    }
    known = {plain_word(name) for name in models}
    models |= {one.name: one.share for one in turn.expected if plain_word(one.name) not in known}
    rows = [
        drawing.Row(name, guessing.probability(bets, name, share), share, name == turn.word)
        for name, share in models.items()
    ]
    return sorted(rows, key=lambda row: -max(row.yours, row.models))


def _end(play: Play) -> None:
    """Who was closer, in bits."""
    played = play.played
    again = st.container()
    with again:
        st.button("Play this text again", key="guess-again", on_click=_again, type="primary")
    if not played:
        st.info("No word was played in this game.", icon=":material/info:")
        return
    st.markdown(f"### {plain(rules.verdict(played))}")
    st.markdown(plain(rules.verdict_more(played, len(play.game.turns))))
    said = f"{rules.verdict(played)} {rules.so_far(played)}"
    rows = [drawing.Row(one.turn.word, one.yours, one.models, one.hit) for one in played]
    svg = drawing.bits(rows, "Bits paid for each word", said)
    picture(svg, key="guess-bits", alt=said)
    st.caption("✓ marks a word that you named. Shorter bars are closer.")
    share_menu(
        "guesses",
        python=lambda: _lines(play),
        svg=svg,
        shown=False,
        data=_table(played),
        title="Guess the next word",
    )


def _table(played: Sequence[Scored]) -> dict[str, Sequence[object]]:
    return {
        "word": [one.turn.word for one in played],
        "bets": [", ".join(f"{bet.word} {bet.chips}" for bet in one.bets) for one in played],
        "your_probability": [one.share for one in played],
        "model_probability": [one.turn.share for one in played],
        "your_bits": [one.yours for one in played],
        "model_bits": [one.models for one in played],
    }


def _lines(play: Play) -> str:
    """The program that counts the same bits."""
    bets = {n: [(bet.word, bet.chips) for bet in own] for n, own in play.bets.items()}
    return "\n".join(
        (
            "from engine.api import local",
            "from engine.learn import guessing",
            "from engine.learn.asking import Asked",
            "",
            f"game = guessing.game(Asked(local(), {play.at.model!r}, {play.at.text!r}))",
            f"bets = {bets!r}",
            "scored = [",
            "    guessing.score(turn, [guessing.Bet(*bet) for bet in bets[turn.number]])",
            "    for turn in game.turns",
            "    if turn.number in bets",
            "]",
            'table = {"word": [one.turn.word for one in scored],',
            '         "your_bits": [one.yours for one in scored],',
            '         "model_bits": [one.models for one in scored]}',
        )
    )


def _text(turn: Turn, word: str | None) -> None:
    before = turn.before
    if len(before) > AROUND:
        before = "… " + before[-AROUND:].split(" ", 1)[-1]
    with st.container(key="guess-sentence"):
        gap = f"**{plain(word)}**" if word else "\\_\\_\\_\\_\\_"
        st.markdown(f"{plain(before, 2 * AROUND)} {gap}")
    st.html(
        "<style>.st-key-guess-sentence p { font-size: clamp(1.3rem, 1rem + 1.2vw, 2rem); "
        "line-height: 1.4; max-width: 46rem; }</style>"
    )


def _rules(*, first: bool = False) -> None:
    with st.expander("How the bits are counted", expanded=first, key=f"guess-rules-{first}"):
        st.markdown(rules.RULES)
        st.caption(rules.sources())


# ---------------------------------------------------------------------------- what is done


def _bets(at: Asked) -> dict[int, tuple[Bet, ...]]:
    """The bets of this game; another text or model begins anew."""
    which, bets = st.session_state.get(BETS, (None, {}))
    if which != (at.model, at.text):
        bets = {}
        st.session_state[BETS] = ((at.model, at.text), bets)
    return bets


def _begin(passage: str | None) -> None:
    """Start with a text, or go back to the choice (in a callback)."""
    if passage == OWN:
        address.set_text(str(st.session_state.get("guess-own") or "")[: settings().max_chars])
    select(PASSAGE, passage)
    select(TURN, None)
    st.session_state.pop(BETS, None)


def _again() -> None:
    select(TURN, None)
    st.session_state.pop(BETS, None)


def _bet(at: Asked, number: int) -> None:
    """Take the bets of a turn, or say why not (in a callback)."""
    fields = [
        Bet(
            str(st.session_state.get(f"guess-word-{number}-{place}") or ""),
            int(st.session_state.get(f"guess-chips-{number}-{place}") or 0),
        )
        for place in range(1, guessing.WORDS + 1)
    ]
    try:
        _bets(at)[number] = guessing.checked(fields)
    except guessing.BadBet as problem:
        st.session_state[PROBLEM] = str(problem)
        return
    select(TURN, str(number))
