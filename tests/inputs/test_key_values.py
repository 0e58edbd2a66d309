"""Key-value inputs in every form that people have at hand."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.inputs.key_value_grammar import PARAMETERS, TAGS, Pairs
from deploy_action.inputs.key_values import parse_key_values


def pairs(text: str, declared: set[str] | None = None) -> Pairs | None:
    names = None if declared is None else frozenset(declared)
    return parse_key_values(text, PARAMETERS, declared=lambda: names)


def tags(text: str) -> Pairs | None:
    return parse_key_values(text, TAGS)


def refusal(text: str, declared: set[str] | None = None) -> str:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        pairs(text, declared)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  \n # A=1\n", None),
        ("[]", []),
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
        ("A=it's", [("A", "it's")]),
        ("A=it's,B=2", [("A", "it's"), ("B", "2")]),
        ("A= 1", [("A", "1")]),
        ('A=" 1"', [("A", " 1")]),
        ("{}", []),
        ('{"A": "1", "B": "x=y,z"}', [("A", "1"), ("B", "x=y,z")]),
        ('{"A": true, "B": 007, "C": 1.10}', [("A", "true"), ("B", "007"), ("C", "1.10")]),
        (
            '{"A": true, "B": 1.10, "C": 1e3, "D": "null"}',
            [("A", "true"), ("B", "1.10"), ("C", "1e3"), ("D", "null")],
        ),
        ('{\n\t"A":\t"1"\n}', [("A", "1")]),
        ('{"A": "\\ud83d\\ude00 \\/"}', [("A", "\U0001f600 /")]),
        ('{"A": ["x", "y"], "B": [1, 2]}', [("A", "x,y"), ("B", "1,2")]),
        ('[{"ParameterKey": "A", "ParameterValue": "1"}]', [("A", "1")]),
        ('[{"ParameterKey": "A", "UsePreviousValue": true}]', [("A", None)]),
        ('[{"ParameterKey": "A", "ParameterValue": "", "UsePreviousValue": false}]', [("A", "")]),
        ("- ParameterKey: A\n  UsePreviousValue: True", [("A", None)]),
        (
            "A: 1\nB: 'yes'\nC: no\nD: 2024-01-01",
            [("A", "1"), ("B", "yes"), ("C", "no"), ("D", "2024-01-01")],
        ),
        ("A:\n  - x\n  - y", [("A", "x,y")]),
        ("A: |\n  one\n  two", [("A", "one\ntwo\n")]),
        ("- ParameterKey: A\n  ParameterValue: 0x10", [("A", "0x10")]),
        ("Key: a=b", [("Key", "a=b")]),
        # as the official action splits them
        ("A=1,\nB=2,\nC=3", [("A", "1"), ("B", "2"), ("C", "3")]),
        ("Subnets=a,b", [("Subnets", "a,b")]),
        ("Subnets=a,b\nC=1", [("Subnets", "a,b"), ("C", "1")]),
        # only these two are escapes
        (r'A="C:\new\temp"', [("A", r"C:\new\temp")]),
        (r'A="a\\b \" \$"', [("A", r'a\b " \$')]),
        # YAML that does not begin with a bare key
        ("---\nA: 1", [("A", "1")]),
        ("# note\n\nA: 1 # two", [("A", "1")]),
        ('"A": 1\n\'B\': "null"', [("A", "1"), ("B", "null")]),
        ("%YAML 1.1\n---\nA: 1", [("A", "1")]),
        ("# note\nA=1", [("A", "1")]),
        # other tools' files
        ('{"Parameters": {"A": "1"}}', [("A", "1")]),
        ('{"Parameters": {"A": "1"}, "Tags": {}, "StackPolicy": {}}', [("A", "1")]),
        ("Parameters:\n  A: 1", [("A", "1")]),
        ('["A=1", "B=x=\\"y\\", z=1"]', [("A", "1"), ("B", 'x="y", z=1')]),
        ("- A=1", [("A", "1")]),
        (
            'ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue="x, y"',
            [("A", "1"), ("B", "x, y")],
        ),
        ("ParameterKey=A,UsePreviousValue=true", [("A", None)]),
        # quoted is meant
        ('A="x B=2"\nB=1', [("A", "x B=2"), ("B", "1")]),
        ('A="x,B=2",B=1', [("A", "x,B=2"), ("B", "1")]),
    ],
)
def test_each_form_gives_its_pairs_as_they_were_written(text: str, expected: Pairs | None) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1,A=2", "`A` is given twice"),
        ("A=1,2,B=3", "part 2 is not KEY=VALUE"),
        ("A=1\nA=2", "`A` is given twice"),
        (
            '[{"ParameterKey": "A", "ParameterValue": ""}, {"ParameterKey": "A", "ParameterValue": ""}]',
            "`A` is given twice",
        ),
        ('{"A": "hunter2", "A": "hunter2"}', "`A` is given twice"),
        ("A: hunter2\nA: hunter2", "`A` is given twice"),
        ("A: hunter2\n'A': hunter2", "`A` is given twice"),
        # absent is not empty
        ('[{"ParameterKey": "A"}]', "`A` has no ParameterValue"),
        ('[{"ParameterKey": "A", "UsePreviousValue": false}]', "`A` has no ParameterValue"),
        ('[{"ParameterKey": "A", "ParameterValue": null}]', "`A` has no value"),
        ('{"A": null}', "`A` has no value"),
        ("A: null", "`A` has no value"),
        ("A: ~", "`A` has no value"),
        ("A:", "`A` has no value"),
        (
            '[{"ParameterKey": "A", "Parametervalue": "hunter2"}]',
            "`A` has `Parametervalue`, which is none of",
        ),
        (
            '[{"ParameterKey": "A", "ParameterValue": "hunter2", "UsePreviousValue": true}]',
            "both ParameterValue and UsePreviousValue",
        ),
        ('[{"ParameterKey": "A", "UsePreviousValue": "hunter2"}]', "neither true nor false"),
        ('{"ParameterKey": "A", "ParameterValue": "hunter2"}', "must stand in a list"),
        # two readings
        ("A=hunter2 B=1.1", "the value of `A` contains `B=`"),
        ("A=hunter2,B=1\nC=3", "the value of `A` contains `B=`"),
        ("A=1,\nB=hunter2\nC=3", "line 1 ends with a comma"),
        ("A: hunter2\n  B=2", "the value of `A` contains `B=`"),
        ('A="hunter2","b"', "part 2 is not KEY=VALUE"),
        ('A="hunter2","b"\nB=1', "begins with a quote"),
        ('A="hunter2', "begins with a quote"),
        ("A=\"hunter2'\nB=1", "begins with a quote"),
        ('A=x "hunter2,b=1",C=1', "quotes inside"),
        ("Subnets=hunter2,b,", "part 2 is not KEY=VALUE"),
        ("Subnets=hunter2,b,C=1", "part 2 is not KEY=VALUE"),
        ("Subnets=hunter2,\nb", "several lines"),
        ('A="hunter2,\nb"', "several lines"),
        ('{"A": ["hunter2,x", "y"]}', "an item in the list of `A` has a comma"),
        ("A-B=hunter2", "is not KEY=VALUE"),
        ("A=1\nhunter2/abc==", "line 2 is not KEY=VALUE"),
        ("ParameterKey=A,ParameterValue=a\\,hunter2", "item 1 is not ParameterKey=K"),
        ('{"Parameters": {"A": "hunter2"}, "Tags": {"team": "a"}}', "a section `Tags`"),
        ('{"Parameters": {"A": "hunter2"}, "StackPolicy": {"x": "y"}}', "a section `StackPolicy`"),
        ('["A=hunter2", "hunter3"]', "item 2 of the list is not KEY=VALUE"),
        ('["A=hunter2", {"B": "c"}]', "must be a map, a list of"),
        ("A: !Sub hunter2", "has a YAML tag"),
        ("A: 1\n---\nB: hunter2", "neither JSON nor YAML"),
        ("<<: {A: hunter2}", "not KEY=VALUE"),
        ("hunter2", "part 1 is not KEY=VALUE"),
        ("A=1,hunter2,B=2", "part 2 is not KEY=VALUE"),
        ("A=1\nhunter2", "line 2 is not KEY=VALUE"),
        ("A=1\n=hunter2", "line 2 is not KEY=VALUE"),
        ("Key=-----BEGIN-----\nhunter2/abc\n-----END-----", "line 2 is not KEY=VALUE"),
        ('{"A": {"B": "hunter2"}}', "the value of `A`"),
        ('{"A": [["hunter2"]]}', "the value of `A`"),
        ('{"A": "hunter2"', "neither JSON nor YAML"),
        ("- hunter2", "item 1 of the list is not KEY=VALUE"),
        ('[{"Key": "hunter2"}]', "item 1 of the list has no ParameterKey"),
        ("[" * 100_000 + "hunter2", "nested"),
        ("A: hunter2\n  B: [", "neither JSON nor YAML"),
        ("A: &a [*a, hunter2]", "stands inside of what it names"),
        ("? [hunter2]\n: x", "line 1 is not KEY=VALUE"),
        ("{[hunter2]: 1}", "a key that is not a text"),
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
        assert found is None or {type(key) for key, _ in found} <= {str}


class TestDeclaredNames:
    """The parameters that the template declares decide what is one value and what are two."""

    @pytest.mark.parametrize("text", ["A=stage B=1.1", "A=x,B=1\nC=3", "A: x\n  B=2"])
    def test_a_declared_name_inside_another_value_is_a_misread(self, text: str) -> None:
        assert "contains `B=`" in refusal(text, {"A", "B", "C"})

    @pytest.mark.parametrize(
        ("text", "value"),
        [("A=-Da=1 b=2", "-Da=1 b=2"), ("A=x?a=1,b=2\nC=3", "x?a=1,b=2"), ("A: x\n  b=2", "x b=2")],
    )
    def test_another_name_belongs_to_the_value(self, text: str, value: str) -> None:
        found = pairs(text, {"A", "C"})
        assert found is not None
        assert found[0] == ("A", value)

    def test_a_value_that_was_parted_at_its_comma_is_noticed(self) -> None:
        assert "has no parameter `b`" in refusal("Url=https://x/?a=1,b=hunter2", {"Url"})
        assert "hunter2" not in refusal("Url=https://x/?a=1,b=hunter2", {"Url"})

    def test_a_file_may_name_what_the_template_does_not_declare(self) -> None:
        assert pairs('{"A": "1", "Other": "2"}', {"A"}) == [("A", "1"), ("Other", "2")]


class TestTags:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[]", []),
            ("{}", []),
            ("# none", None),
            ("aws:x:y=1", [("aws:x:y", "1")]),
            ("Cost Center=12\nteam=web", [("Cost Center", "12"), ("team", "web")]),
            ("- Key: a\n  Value: 1", [("a", "1")]),
            ("Key=a,Value=1 Key=b,Value=2", [("a", "1"), ("b", "2")]),
            ('{"Tags": {"a": "1"}}', [("a", "1")]),
        ],
    )
    def test_forms(self, text: str, expected: Pairs | None) -> None:
        assert tags(text) == expected

    def test_there_are_no_previous_values_of_tags(self) -> None:
        with pytest.raises(ValueError, match="`UsePreviousValue`, which is none of"):
            tags('[{"Key": "a", "UsePreviousValue": true}]')

    def test_a_section_that_another_input_applies_is_left_to_it(self) -> None:
        text = '{"Parameters": {"A": "1"}, "Tags": {"a": "2"}}'
        assert parse_key_values(text, TAGS, ignored_sections={"Parameters"}) == [("a", "2")]
        assert parse_key_values(text, PARAMETERS, ignored_sections={"Tags"}) == [("A", "1")]
        assert parse_key_values('{"Parameters": {"A": "1"}}', TAGS, ignored_sections={"Parameters"}) is None


class TestBounds:
    @pytest.mark.parametrize(
        "text",
        [
            "\n".join(f"K{number}=1" for number in range(20_000)),
            ",".join(f"K{number}=1" for number in range(20_000)),
            "A=" + "=" * 900_000,
            "A=" + ",a" * 400_000,
            'A="' + "\\" * 900_001,
            "\n".join(f"K{number}: 1" for number in range(20_000)),
            "A: " + "[" * 220_000,
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(12)
            ),
            "x: &x " + "y" * 900 + "\nA: [" + ",".join(["*x"] * 40_000) + "]",
        ],
        ids=["lines", "commas", "equals", "list", "open quote", "yaml", "deep", "bomb", "long aliases"],
    )
    def test_what_is_too_much_is_read_in_linear_time(self, text: str) -> None:
        began = time.process_time()
        try:
            pairs(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - both ends are right
        assert time.process_time() - began < 2

    def test_more_than_a_megabyte_is_refused(self) -> None:
        assert "1,000,000 characters" in refusal("A=" + "x" * 1_000_000)
