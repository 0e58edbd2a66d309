"""Key-value inputs in every form that people have at hand."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.keyvalues import parse_key_values


def pairs(text: str) -> list[tuple[str, str]]:
    return parse_key_values(text, "ParameterKey", "ParameterValue")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  \n ", []),
        ("A=1", [("A", "1")]),
        ("A=", [("A", "")]),
        ("A=1\nB=2", [("A", "1"), ("B", "2")]),
        ("A=1\r\n\r\n# B=2\r\n C = 3 ", [("A", "1"), ("C", "3")]),
        ("A=b=c==\nB=x", [("A", "b=c=="), ("B", "x")]),
        ("A=1,2\nB=3", [("A", "1,2"), ("B", "3")]),
        ("A=1,B=2", [("A", "1"), ("B", "2")]),
        ("A=1, B=2,", [("A", "1"), ("B", "2")]),
        ('A="1,2",B=3', [("A", "1,2"), ("B", "3")]),
        ("A='1,2',B=3", [("A", "1,2"), ("B", "3")]),
        (r'A="say \"x\"",B=\n', [("A", 'say "x"'), ("B", r"\n")]),
        ("A=b=c,B=d", [("A", "b=c"), ("B", "d")]),
        ("A=https://x/y?z=1", [("A", "https://x/y?z=1")]),
        ("A=two words", [("A", "two words")]),
        ("A=\" spaced \"\nB=''", [("A", " spaced "), ("B", "")]),
        ('A="', [("A", '"')]),
        ("aws:cloudformation:x=1", [("aws:cloudformation:x", "1")]),
        ("{}", []),
        ('{"A": "1", "B": "x=y,z"}', [("A", "1"), ("B", "x=y,z")]),
        ('{"A": true, "B": 007, "C": 1.10}', [("A", "true"), ("B", "007"), ("C", "1.10")]),
        (
            '{"A": true, "B": 1.10, "C": 1e3, "D": null}',
            [("A", "true"), ("B", "1.10"), ("C", "1e3"), ("D", "null")],
        ),
        ('{\n\t"A":\t"1"\n}', [("A", "1")]),
        ('{"A": "\\ud83d\\ude00 \\/"}', [("A", "\U0001f600 /")]),
        ('{"A": ["x", "y"], "B": [1, 2]}', [("A", "x,y"), ("B", "1,2")]),
        ('[{"ParameterKey": "A", "ParameterValue": "1"}]', [("A", "1")]),
        ('[{"ParameterKey": "A", "UsePreviousValue": true}]', [("A", "")]),
        (
            "A: 1\nB: 'yes'\nC: no\nD: 2024-01-01",
            [("A", "1"), ("B", "yes"), ("C", "no"), ("D", "2024-01-01")],
        ),
        ("A:\n  - x\n  - y", [("A", "x,y")]),
        ("A: |\n  one\n  two\n", [("A", "one\ntwo")]),
        ("- ParameterKey: A\n  ParameterValue: 0x10", [("A", "0x10")]),
        ("Key: a=b", [("Key", "a=b")]),
    ],
)
def test_each_form_gives_its_pairs_as_they_were_written(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1,A=2", "`A` is given twice"),
        ("A=1\nA=2", "`A` is given twice"),
        ('[{"ParameterKey": "A"}, {"ParameterKey": "A"}]', "`A` is given twice"),
        ("hunter2", "part 1 is not KEY=VALUE"),
        ("A=1,hunter2", "part 2 is not KEY=VALUE"),
        ("A=1\nhunter2", "line 2 is not KEY=VALUE"),
        ("A=1\n=hunter2", "line 2 is not KEY=VALUE"),
        ("Key=-----BEGIN-----\nhunter2/abc\n-----END-----", "line 2 is not KEY=VALUE"),
        ('{"A": {"B": "hunter2"}}', "the value of `A`"),
        ('{"A": [["hunter2"]]}', "the value of `A`"),
        ('{"A": "hunter2"', "neither JSON nor YAML"),
        ("- hunter2", "must be a map, or a list of objects with ParameterKey"),
        ('[{"Key": "hunter2"}]', "must be a map, or a list of objects with ParameterKey"),
        ("[" * 100_000 + "hunter2", "neither JSON nor YAML"),
        ("A: hunter2\n  B: [", "neither JSON nor YAML"),
        ("A: &a [*a, hunter2]", "neither JSON nor YAML"),
        ("? [hunter2]\n: x", "line 1 is not KEY=VALUE"),
        ("{[hunter2]: 1}", "neither JSON nor YAML"),
    ],
)
def test_a_mistake_is_told_without_the_value_that_may_be_secret(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        pairs(text)
    assert "hunter2" not in str(caught.value)


keys = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}", fullmatch=True)
values = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.dictionaries(keys, values, max_size=5), st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_json_gives_back_every_text(data: dict[str, str], ascii_only: bool, indent: int | str | None) -> None:
    written = json.dumps(data, ensure_ascii=ascii_only, indent=indent)
    assert pairs(written) == list(data.items())
    as_list = [{"ParameterKey": key, "ParameterValue": value} for key, value in data.items()]
    assert pairs(json.dumps(as_list, ensure_ascii=ascii_only, indent=indent)) == list(data.items())


@given(st.text(max_size=60) | st.text("a=,'\"\\ \n:-{}[]#&*", max_size=30))
def test_any_text_gives_pairs_or_one_sentence(text: str) -> None:
    try:
        found = pairs(text)
    except ValueError as error:
        assert str(error).endswith(".")  # noqa: PT017 - both ends are right
    else:
        assert {type(part) for pair in found for part in pair} <= {str}
