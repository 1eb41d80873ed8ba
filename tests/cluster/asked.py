"""One question for each method of the engine, and whether two answers are the same to the bit."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from engine.api import Line, MapOptions, Reading, Sampling, Scene
from engine.jobs.registry import Job
from engine.objectives.example import Exercise
from engine.patching.contrast import Experiment
from engine.policy import Visitor
from engine.prompting.prompt import Example, Prompt
from engine.tokenizers.chat import Turn

GPT, BERT, BOTH = "tales-gpt", "tales-bert", "fr-en"
TEXT = "Once upon a time there was a cat"
ONE = Reading(GPT, TEXT)
MASKED = Reading(BERT, "The king had a [MASK] daughter.")
FRENCH = Reading(BOTH, "Le chat dort.")
PROMPT = Prompt("Say how it is.", "Review", "Sentiment",
                (Example("Good soup.", "positive"), Example("Bad tea.", "negative")),
                "Fine bread.")  # fmt: skip
CASE = Exercise(GPT, TEXT, "next token")
PATCH = Experiment(GPT, "The king said that he", "The queen said that he")  # he, she
NOBODY = Visitor("nobody")
GREEDY = Line(Sampling(temperature=0.0))

QUESTIONS: dict[str, tuple[Any, ...]] = {
    # Which models there are
    "models": (), "find": (GPT,), "card": (BOTH,), "device": (GPT,), "digest": (GPT,),
    "stack": (BOTH, "cross"), "gives_attention": (BOTH, "cross"), "others_with": (GPT, "decoder"),
    "vectors": (GPT, "position"),
    # Texts as tokens
    "tokens": (ONE,), "tokenized": (BERT, "Unbelievable!"), "bare": (GPT, TEXT),
    "spelt": (GPT, "a <|endoftext|> b"), "special_names_in": (GPT, "a <|endoftext|> b"),
    "roles": (BERT,), "piece": (GPT, 300), "texts": (GPT, (300, 301, 302)),
    "prefix_ids": (BOTH, "The cat"), "algorithm": (BERT,), "piece_writing": (GPT,),
    "stages": (BERT, "Two  Words"), "word_steps": (GPT, "unbelievable"), "vocabulary": (BERT,),
    "tokenizer_here": ("nothing",), "tokenizer_facts": (GPT,),
    "tokenized_by": (GPT, ("one", "two words")),
    # What a model computed on the way
    "sides": (ONE, "decoder"), "embedded": (ONE,), "layer": (ONE, "decoder", 1),
    "hidden": (MASKED,), "logits": (MASKED, (4, 5)), "logit_lens": (ONE, "decoder", 3),
    "following": (GPT, (10, 20, 30)), "is_long": (ONE, "decoder"), "overview": (ONE, "decoder"),
    # Attention
    "attention": (FRENCH, "encoder", 0), "token_names": (ONE, "decoder"),
    "attention_map": (Scene(ONE, "decoder", 1, 2, MapOptions()),), "measures": (ONE, "decoder", 1),
    "notable_heads": (ONE, "decoder", 2), "most_notable_head": (MASKED, "encoder", 2),
    "links": (ONE, "decoder", 0, (3,), (1, 2)),
    # What a model writes
    "continued": (GPT, TEXT, 5), "room_left": (GPT, 10), "translated": (BOTH, "Le chat dort."),
    "next_token_entropies": (ONE,),
    # Parts of a block
    "parts": (ONE, "decoder", 0), "updates": (ONE, "decoder"),
    "pushes": (ONE, "decoder", 0, 3, (1, 2)), "commitment": (ONE, "decoder", 3),
    # Times
    "lengths_timed": (GPT,), "cache_size": (GPT,),
    # Predecessors
    "standings": (GPT,), "continuations": (GPT, TEXT, 4), "influence": (GPT, TEXT),
    "hidden_states": (GPT, TEXT),
    # Moments of a training
    "training_course": (), "moments_surprise": (TEXT,), "moments_attention": (TEXT, 0, 1),
    "moments_places": (("king", "queen", "wolf", "house"),),
    # Objectives
    "objectives": (BERT,), "training_example": (CASE,), "example_losses": (CASE,),
    "answer_logits": (CASE, 2), "guessed": (CASE, 2, "king"),
    # Patching
    "contrast": (PATCH,), "patched": (PATCH,),
    # Preferences
    "representations": (GPT, (10, 20), ((30, 40), (50,))),
    "learned_reward": (GPT, (10, 20), ((30, 40), (50,)), ((0, 1),)),
    "judges": (GPT,), "judged": (GPT, "manners", ("Good day.", "Go away.")),
    # Prompts
    "window": (GPT,), "examples_that_fit": (GPT, PROMPT, 5), "sources": (GPT, PROMPT, 2),
    "answer_scores": (GPT, (PROMPT,), (2,), ("positive", "negative")),
    # Tuning
    "adapters": (), "trainings": (Visitor("me", here=True),),
    # Spaces
    "vocabulary_map": (GPT, True), "vocabulary_space": (GPT,),
    "vocabulary_quality": (GPT, True, 2), "axis_map": (GPT, True, 300, 400),
    "layout": (GPT, "umap", True), "layout_quality": (GPT, "umap", True, 2),
    "crowd_map": ((ONE, Reading(GPT, "A dog ran home")), True), "position_map": (GPT,),
    "passages": (GPT, "a cat", ("The cat sat.", "It rains."), 2, "mean"),
    # Models that are changed
    "orders": (ONE, "decoder", "shuffled", 0), "next_token_bits": (ONE,),
    "foreign": (GPT, BERT, TEXT),
}  # fmt: skip

NAMED: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "moments_written": (("Once upon", GREEDY), {"length": 4, "seed": 1}),
}

REFUSED: dict[str, tuple[Any, ...]] = {
    "tokens": (Reading(GPT, " "),),
    "routing": (ONE,),
    "layer": (ONE, "decoder", 99),
    "find": ("gpt-9",),
    "card": ("gpt-9",),
    "hidden": (Reading("gpt-9", TEXT),),
    "conversation": (GPT, (Turn("user", "Hello"),), True),
    "most_split": (GPT, None),
    "delete": (GPT, NOBODY),
    "packed": (GPT, NOBODY),
    "save_tuned": ("nothing", NOBODY),
    "delete_adapter": ("nothing", NOBODY),
    "standings": (BERT,),
    "foreign": (GPT, BERT, ""),
    "room_left": (GPT, 10**6),
    "representations": (BERT, (1,), ((2,),)),
    "passages": (GPT, "a", ("b",) * 999, 1, "mean"),
    "tuned_matrices": ("nothing",),
}


def difference(one: Any, other: Any, at: str = "value") -> str:
    """Where two values differ by a bit, a type, a shape or a word; "" where they do not."""
    if type(one) is not type(other):
        return f"{at}: {type(one).__name__} and {type(other).__name__}"
    if isinstance(one, np.ndarray):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        return "" if alike and one.tobytes() == other.tobytes() else f"{at}: {one} and {other}"
    parts: list[tuple[str, Any, Any]] = []
    if is_dataclass(one):
        parts = [(f.name, getattr(one, f.name), getattr(other, f.name)) for f in fields(one)]
    elif isinstance(one, dict):
        if list(one) != list(other):
            return f"{at}: keys {list(one)[:9]} and {list(other)[:9]}"
        parts = [(str(key), one[key], other[key]) for key in one]
    elif isinstance(one, tuple | list):
        if len(one) != len(other):
            return f"{at}: {len(one)} and {len(other)} parts"
        parts = [
            (str(k), left, right) for k, (left, right) in enumerate(zip(one, other, strict=True))
        ]
    else:
        told = (str(one), str(other)) if isinstance(one, Exception) else (one, other)
        nothing = isinstance(one, float) and one != one and other != other
        return "" if nothing or told[0] == told[1] else f"{at}: {told[0]!r} and {told[1]!r}"
    every = (difference(left, right, f"{at}.{name}") for name, left, right in parts)
    return next(filter(None, every), "")


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal to the bit."""
    return not difference(one, other)


def writable(value: Any) -> bool:
    """Whether any array in a value could be written to."""
    if isinstance(value, np.ndarray):
        return bool(value.flags.writeable)
    if is_dataclass(value):
        return any(writable(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return any(map(writable, value.values()))
    return isinstance(value, tuple | list) and any(map(writable, value))


def ended(job: Job, seconds: float = 240.0) -> Job:
    """A job at its end."""
    assert job.wait(seconds), f"{job.key} goes on after {seconds} seconds"
    return job
