"""What a command wrote to GITHUB_OUTPUT, against what the runner makes of it, and against hostile values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.github.command_outputs import left_out_sentence, parse_outputs
from tests.fakes.runner import Refused, heredoc_outputs

JSON_CHARS_MAX = 400_000
texts = st.lists(
    st.sampled_from(["a=b", "x<<EOF", "EOF", "y<<=", "=", "z=1<<2", "", "x<<", "<<E", "name", "a=b=c", "v=é"])
    | st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=9),
    max_size=9,
).map("\n".join)


@given(texts)
def test_what_the_runner_reads_is_read_alike(text: str) -> None:
    try:
        expected = heredoc_outputs(text)
    except Refused:
        assert parse_outputs(text).problems
    else:
        found = parse_outputs(text)
        assert (found.values, found.problems) == (expected, ())


def test_what_the_runner_refuses_costs_that_entry_alone() -> None:
    found = parse_outputs("url=https://shop\nhunter2\nlog<<EOF\none\ntwo\nEOF\nlast<<END\nhunter2\n")
    assert found.values == {"url": "https://shop", "log": "one\ntwo"}
    assert [problem[:16] for problem in found.problems] == ["Line 2 of what t", "Line 7 (`last`) "]
    assert "hunter2" not in "".join(found.problems)


def test_lines_of_windows_are_lines() -> None:
    assert parse_outputs("a=1\r\nb<<E\r\nx\r\nE\r\n").values == {"a": "1", "b": "x\r"}


@given(texts)
def test_the_json_is_one_line_of_ascii_without_workflow_commands(text: str) -> None:
    values = parse_outputs(text).values
    encoded, left_out = parse_outputs(text).as_json()
    assert json.loads(encoded) == values
    assert left_out == ()
    assert encoded.isascii()
    assert encoded.isprintable()
    assert "##[" not in encoded


@pytest.mark.parametrize("value", ["::error::no", "##[add-mask]x", "end\noutcome=succeeded", "\u2028", '"}'])
def test_a_hostile_value_stays_a_value(value: str) -> None:
    encoded, _ = parse_outputs(f"x<<E\n{value}\nE\n").as_json()
    assert json.loads(encoded) == {"x": value}
    assert not encoded.startswith("::")


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 300_000), max_size=6))
def test_the_json_never_grows_beyond_what_github_takes(sizes: dict[str, int]) -> None:
    text = "".join(f"{name}={'é' * (size // 6)}\n" for name, size in sizes.items())
    encoded, left_out = parse_outputs(text).as_json()
    assert len(encoded) <= JSON_CHARS_MAX
    assert set(json.loads(encoded)) | set(left_out) == set(sizes)


def test_a_value_that_does_not_fit_leaves_room_for_the_others() -> None:
    encoded, left_out = parse_outputs(f"big={'x' * JSON_CHARS_MAX}\nurl=https://shop\n").as_json()
    assert json.loads(encoded) == {"url": "https://shop"}
    assert left_out == ("big",)
    assert "`big`" in left_out_sentence(left_out)
