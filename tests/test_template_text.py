"""Templates as their authors wrote them, and as nobody should."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action import template_text
from deploy_action.template_text import parse_template


def test_the_short_forms_are_written_out() -> None:
    text = """
A: !Ref B
C: !GetAtt D.Arn
E: !GetAtt [D, Arn]
F: !Sub ["${x}", {x: !Ref B}]
G: !If [Cond, !Ref B, !Ref "AWS::NoValue"]
H: {Condition: !Condition Cond}
I: !Base64 {"Fn::Sub": "${B}"}
"""
    assert parse_template(text) == {
        "A": {"Ref": "B"},
        "C": {"Fn::GetAtt": "D.Arn"},
        "E": {"Fn::GetAtt": ["D", "Arn"]},
        "F": {"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]},
        "G": {"Fn::If": ["Cond", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]},
        "H": {"Condition": {"Condition": "Cond"}},
        "I": {"Fn::Base64": {"Fn::Sub": "${B}"}},
    }


def test_scalars_stay_as_they_were_written() -> None:
    assert parse_template('AWSTemplateFormatVersion: 2010-09-09\nYes: yes\nN: 007\nE:\nQ: "x"') == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Yes": "yes",
        "N": "007",
        "E": "",
        "Q": "x",
    }


def test_json_and_what_only_looks_like_it() -> None:
    assert parse_template('\n{"Resources": {"A\\ud83d\\ude00": 1}}') == {"Resources": {"A😀": 1}}
    assert parse_template("{Resources: {A: !Ref B}}") == {"Resources": {"A": {"Ref": "B"}}}


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "a: [",
        "\x00",
        BOMB,
        "a: &x {b: c}\nd: {<<: *x}",
        "[" * 200 + "]" * 200,
        "a: " * 5,
        json.dumps({"a": "b"}) + "x: [",
        '{"a":' * 100_000,
        "{" * 100_000,
        "[" * 900_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_template_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="template"):
        parse_template(text)


def test_aliases_are_refused() -> None:
    with pytest.raises(ValueError, match="aliases"):
        parse_template("a: &x {b: c}\nd: *x\n")


def test_nesting_is_bounded() -> None:
    with pytest.raises(ValueError, match="too deeply"):
        parse_template("a: " + "[" * 200 + "]" * 200)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="is the most"):
        parse_template("x" * (template_text.BYTES_MAX + 1))
    monkeypatch.setattr(template_text, "NODES_MAX", 10)
    with pytest.raises(ValueError, match="too many"):
        parse_template("[" + "x," * 20 + "]")


@given(st.text(max_size=60))
def test_any_text_is_data_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        parse_template(text)
