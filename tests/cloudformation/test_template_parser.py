"""Templates as data: CloudFormation's tags, and texts that mean harm."""

from __future__ import annotations

import time

import pytest

from deploy_action.cloudformation.template_parser import parse_template

SHORT = """
AWSTemplateFormatVersion: 2010-09-09
Mappings:
  ByAccount:
    123456789012: {on: 1}
Conditions:
  Big: !Equals [!Ref Size, big]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Condition: Big
    Properties:
      QueueName: !Sub "${AWS::StackName}-queue"
      Tags:
        - {Key: role, Value: !GetAtt Role.Arn}
        - {Key: vpc, Value: !GetAtt Child.Outputs.Vpc}
        - {Key: map, Value: !Sub ["${A}", {A: !ImportValue x}]}
        - {Key: either, Value: !If [Big, a, !Ref AWS::NoValue]}
"""


def test_short_tags_get_their_long_form() -> None:
    data = parse_template(SHORT)
    properties = data["Resources"]["Queue"]["Properties"]
    assert properties["QueueName"] == {"Fn::Sub": "${AWS::StackName}-queue"}
    assert [tag["Value"] for tag in properties["Tags"]] == [
        {"Fn::GetAtt": ["Role", "Arn"]},
        {"Fn::GetAtt": ["Child", "Outputs.Vpc"]},
        {"Fn::Sub": ["${A}", {"A": {"Fn::ImportValue": "x"}}]},
        {"Fn::If": ["Big", "a", {"Ref": "AWS::NoValue"}]},
    ]
    assert data["Conditions"]["Big"] == {"Fn::Equals": [{"Ref": "Size"}, "big"]}


def test_dates_and_keys_stay_texts() -> None:
    data = parse_template(SHORT)
    assert data["AWSTemplateFormatVersion"] == "2010-09-09"
    assert list(data["Mappings"]["ByAccount"]) == ["123456789012"]
    assert data["Mappings"]["ByAccount"]["123456789012"] == {"on": 1}
    assert parse_template("Resources: {A: {Operator: =}}")["Resources"]["A"]["Operator"] == "="


def test_json_is_read_as_json_and_flow_yaml_as_yaml() -> None:
    assert parse_template('\n{"Resources": {"A": {"Ref": "B"}}}') == {"Resources": {"A": {"Ref": "B"}}}
    assert parse_template("{Resources: {A: !Ref B}}") == {"Resources": {"A": {"Ref": "B"}}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Resources:\n  [", "line [23]"),
        ("Resources:\n  A: b\n B: c\n", "line 3"),
        ("- a\n- b", "no map"),
        ("just words", "no map"),
        ("", "no map"),
        ("A: \x01", "not allowed"),
        ("A: !!python/object:os.system x", "neither JSON nor YAML"),
        ("? [a]\n: b", "key"),
        ("A: " + "[" * 200 + "]" * 200, "deeper"),
        ("A: " + "[" * 200_000, "deeper"),
        ('{"A": ' + "[" * 200 + "]" * 200 + "}", "deeper"),
        ('{"A": ' + "[" * 200_000 + "]" * 200_000 + "}", "deeper"),
        ("A: &a [*a]", "inside"),
        ("A: " + "x" * 1_000_001, "1,000,000 bytes"),
        ('{"A": ' + "9" * 5000 + "}", "cannot be read"),
        ("A: b\n---\nC: d\n", "neither JSON nor YAML"),
    ],
)
def test_what_is_no_template_is_told_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_template(text)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 300


def test_a_bomb_of_aliases_is_not_unfolded() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    began = time.monotonic()
    with pytest.raises(ValueError, match="unfolds"):
        parse_template("\n".join(levels))
    merges = ["a0: &a0 {k: v}"]
    merges += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]
    with pytest.raises(ValueError, match="unfolds"):
        parse_template("\n".join(merges))
    assert time.monotonic() - began < 5


def test_aliases_of_common_size_are_read() -> None:
    data = parse_template("A: &a {x: 1}\nB: *a\nC: {<<: *a, y: 2}\n")
    assert data == {"A": {"x": 1}, "B": {"x": 1}, "C": {"x": 1, "y": 2}}


def test_nesting_is_bounded() -> None:
    with pytest.raises(ValueError, match="nested deeper"):
        parse_template("Resources: " + "[" * 200 + "]" * 200)
