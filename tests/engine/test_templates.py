"""Chat templates: the same text as `apply_chat_template` of transformers, template by template."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerFast

from engine.tokenizers.chat import Turn, render
from engine.tokenizers.templates import rendered
from tests.engine import plain

NAMES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "sep_token": "<sep>",
    "cls_token": "<cls>",
    "mask_token": "<mask>",
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "météo",
            "description": 'Says <what> the "weather" is & was.',
            "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
        },
    }
]
DOCUMENTS = [{"title": "Été", "text": "Il fait <chaud>."}]
TURNS = [
    {"role": "system", "content": "Sois bref."},
    {"role": "user", "content": "  Où est l'été ? <b> "},
    {"role": "assistant", "content": "Ici. "},
]
LOOP = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"

TEMPLATES = {
    "tools are none": "{% if tools is not none %}TOOLS{% endif %}{{ messages[0].content }}",
    "tools are defined": "{% if tools is defined %}D{% endif %}{% if tools %}T{% endif %}",
    "tools as json": "{% if tools %}{{ tools | tojson(ensure_ascii=False) }}{% endif %}",
    "json escaped": "{{ messages | tojson(ensure_ascii=True) }}",
    "json indented": "{{ messages | tojson(indent=4) }}",
    "json with separators": "{{ messages | tojson(separators=(',', ':'), sort_keys=True) }}",
    "json by place": "{{ messages[1] | tojson(True, 2) }}",
    "documents": "{% if documents is not none %}{% for d in documents %}{{ d.title }}: {{ d.text }}"
    "{% endfor %}{% else %}none{% endif %}",
    "names": "{{ bos_token }}{{ eos_token }}{{ unk_token }}{{ pad_token }}{{ sep_token }}"
    "{{ cls_token }}{{ mask_token }}",
    "a name that is not there": "{{ eot_token }}|{{ 'x' if eot_token is defined else 'y' }}",
    "answer": LOOP + "{% if add_generation_prompt %}assistant: {% endif %}",
    "answer is false": "{{ add_generation_prompt }}{{ add_generation_prompt is defined }}",
    "date": "{{ strftime_now('%Y-%m') }}",
    "date where it is known": "{% if strftime_now is defined %}yes{% endif %}",
    "loop controls": "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
    "{{ m.content }}{% break %}{% endfor %}",
    "namespace": "{% set ns = namespace(last='', n=0) %}{% for m in messages %}"
    "{% set ns.last = m.role %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.last }}{{ ns.n }}",
    "dict": "{% set d = dict(a=1, b='é') %}{{ d | tojson }}{{ dict.fromkeys(['x'], 2) | tojson }}",
    "generation": "{% set x = 'out' %}{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% generation %}{% set x = 'in' %}{{ m.content }}{{ eos_token }}{% endgeneration %}"
    "{% endif %}{{ x }}{% endfor %}",
    "generation with dashes": "{% for m in messages %}\n  {%- generation -%}\n "
    "{{ m.content }} \n{%- endgeneration -%}\n{% endfor %}",
    "blocks trimmed": "{% for m in messages %}\n    {{ m.role }}\n  {% if true %}\n  x\n"
    "  {% endif %}\n{% endfor %}\n",
    "filters": "{{ messages[1].content | trim | upper | replace('É', 'e') | length }}"
    "{{ messages | map(attribute='role') | join(',') }}{{ messages | selectattr('role', 'equalto', "
    "'user') | list | length }}",
    "methods": "{{ messages[1]['content'].strip().split(' ')[0] }}"
    "{{ messages[0].get('name', '-') }}"
    "{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
    "macro": "{% macro say(m) -%}[{{ m.role }}]{{ m.content | trim }}{%- endmacro %}"
    "{% for m in messages %}{{ say(m) }}{% endfor %}",
    "slices": "{% for m in messages[1:] %}{{ loop.index0 }}{{ loop.last }}{{ m.content }}"
    "{% endfor %}",
    "a switch that nobody gave": "{% if enable_thinking is defined and enable_thinking %}T"
    "{% endif %}{{ date_string | default('26 Jul 2024') }}",
    "is a test": "{{ messages[0].content is string }}{{ tools is iterable }}"
    "{{ messages is mapping }}",
}


@pytest.fixture(scope="module")
def theirs() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=plain.byte_level(), **NAMES)


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("extras", [{}, {"tools": TOOLS, "documents": DOCUMENTS}], ids=["", "all"])
@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_a_template_gives_what_transformers_gives(
    theirs: Any, template: str, extras: dict[str, Any], answer: bool
) -> None:
    try:
        expected = theirs.apply_chat_template(
            TURNS, chat_template=template, tokenize=False, add_generation_prompt=answer, **extras
        )
    except (TemplateError, TypeError):
        with pytest.raises((TemplateError, TypeError)):
            rendered(template, TURNS, answer=answer, names=NAMES, **extras)
        return
    assert rendered(template, TURNS, answer=answer, names=NAMES, **extras) == expected


@pytest.mark.parametrize(
    "template",
    [
        LOOP,
        "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</{{ m.role }}>{% endfor %}",
        "{% for m in messages %}{{ m['content'] }}{% if not loop.last %}|{% endif %}{% endfor %}",
    ],
)
def test_a_last_message_is_continued_as_transformers_does(theirs: Any, template: str) -> None:
    expected = theirs.apply_chat_template(
        TURNS, chat_template=template, tokenize=False, continue_final_message=True
    )
    assert rendered(template, TURNS, continued=True, names=NAMES) == expected


def test_what_cannot_be_continued_is_refused(theirs: Any) -> None:
    for template in ("{{ messages[0].role }}", "{{ messages[0].content }}"):
        with pytest.raises(ValueError):
            theirs.apply_chat_template(
                TURNS, chat_template=template, tokenize=False, continue_final_message=True
            )
        with pytest.raises(ValueError):
            rendered(template, TURNS, continued=True)
    with pytest.raises(ValueError, match="not both"):
        rendered(LOOP, TURNS, answer=True, continued=True)


def test_what_is_none_is_not_there(theirs: Any) -> None:
    turns: list[dict[str, Any]] = [{"role": "user", "content": "a", "tool_calls": None}]
    template = "{% for m in messages %}{{ m.tool_calls is defined }}{{ m | tojson }}{% endfor %}"
    expected = theirs.apply_chat_template(turns, chat_template=template, tokenize=False)
    assert rendered(template, turns) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns }}",
        "{{ namespace(__init__=1) }}",
        "{{ messages.append(1) }}",
        "{{ dict.__class__ }}x{{ dict.mro() }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ raise_exception('no') }}",
        "{{ messages[0].content.format.__globals__ }}{{ 1/0 }}",
    ],
)
def test_what_the_sandbox_refuses_there_it_refuses_here(theirs: Any, template: str) -> None:
    with pytest.raises(Exception) as there:
        theirs.apply_chat_template(TURNS, chat_template=template, tokenize=False)
    with pytest.raises(type(there.value)):
        rendered(template, TURNS, names=NAMES)


def test_a_long_text_is_refused_while_it_is_written() -> None:
    with pytest.raises(ValueError, match="more than 50 characters"):
        rendered("{% for i in range(1000) %}{{ i }}{% endfor %}", TURNS, longest=50)


def test_the_process_gives_the_same(theirs: Any) -> None:
    template = TEMPLATES["tools are none"] + TEMPLATES["tools as json"] + LOOP
    turns = [Turn(one["role"], one["content"]) for one in TURNS]
    expected = theirs.apply_chat_template(
        TURNS, chat_template=template, tokenize=False, tools=TOOLS, add_generation_prompt=True
    )
    assert render(template, turns, answer=True, names=NAMES, tools=TOOLS) == expected
    assert render(TEMPLATES["tools are none"], turns, answer=True) == "Sois bref."


def test_the_app_renders_without_jinja_or_transformers_in_it() -> None:
    import subprocess

    code = (
        "import sys, engine.tokenizers.chat as chat; "
        "assert chat.render('{{ messages[0].content }}', [chat.Turn('user', 'hi')], answer=True) "
        "== 'hi'; assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
