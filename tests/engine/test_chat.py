"""Chat templates: rendered as transformers renders them, bounded whatever they hold."""

from __future__ import annotations

import pytest

from engine.errors import NotOffered
from engine.tokenizers import chat
from engine.tokenizers.chat import Turn, render

CHATML = (
    "{{ bos_token }}{% for message in messages %}\n"
    "    {% if message['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('system comes first') }}{% endif %}"
    "<|im_start|>{{ message['role'] + '\\n' + message['content'] | trim }}<|im_end|>\n"
    "{%- if message['role'] == 'assistant' %}{% generation %}{{ eos_token }}{% endgeneration %}"
    "{% endif %}\n"
    "{% endfor %}\n"
    "{%- if add_generation_prompt %}\n{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TURNS = [Turn("system", "Be kind."), Turn("user", " Hi <b>! "), Turn("assistant", "Hello.")]


@pytest.mark.parametrize("answer", [True, False])
def test_a_template_is_rendered_as_transformers_does(answer: bool) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [{"role": turn.role, "content": turn.content} for turn in TURNS]
    theirs, _ = render_jinja_template(
        [messages],
        chat_template=CHATML,
        add_generation_prompt=answer,
        bos_token="<s>",
        eos_token="</s>",
    )
    names = {"bos_token": "<s>", "eos_token": "</s>"}
    assert render(CHATML, TURNS, answer=answer, names=names) == theirs[0]


HOSTILE = {
    "refusing": (CHATML, "system comes first"),
    "no Jinja": ("{% for %}", "refuses"),
    "reaching out": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "refuses"),
    "importing": ("{% include '/etc/passwd' %}", "refuses"),
    "endless text": ("{% for i in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "characters"),
    "large": ("{{ 'x' * 9000000000 }}", "memory"),
}


@pytest.mark.parametrize(("template", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_template_that_goes_wrong_is_one_sentence(template: str, told: str) -> None:
    with pytest.raises(NotOffered, match=told):
        render(template, [Turn("user", "a"), Turn("system", "b")], answer=True)


def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "SECONDS", 1.5)
    endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(NotOffered, match="stopped after"):
        render(endless, [Turn("user", "a")], answer=True)
