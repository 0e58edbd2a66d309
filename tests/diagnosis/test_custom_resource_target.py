"""Which function a custom resource's template names."""

from __future__ import annotations

import pytest

from deploy_action.diagnosis.custom_resource_target import Token, token_of

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:seed"


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (ARN, Token(function="seed")),
        (f"{ARN}:live", Token(function="seed")),
        ({"Fn::GetAtt": ["Seed", "Arn"]}, Token(logical_id="Seed")),
        ({"Fn::GetAtt": "Seed.Arn"}, Token(logical_id="Seed")),
        ({"Ref": "SeedArn"}, Token(parameter="SeedArn")),
        ({"Fn::Sub": "${Seed.Arn}"}, Token(logical_id="Seed")),
        (
            {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:function:seed"},
            Token(function="seed"),
        ),
        ({"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:function:${Seed}"}, Token(logical_id="Seed")),
    ],
)
def test_forms_of_the_token(value: object, token: Token) -> None:
    assert token_of({"Resources": {"Data": {"Properties": {"ServiceToken": value}}}}, "Data") == token


@pytest.mark.parametrize(
    "value",
    ["arn:aws:sns:eu-west-1:1:topic", "", 7, None, [], {"Fn::GetAtt": ["A", "B", "C"]}, {"Fn::If": []}, {}],
)
def test_anything_else_is_no_function(value: object) -> None:
    assert token_of({"Resources": {"Data": {"Properties": {"ServiceToken": value}}}}, "Data") is None


@pytest.mark.parametrize("template", [None, [], {}, {"Resources": None}, {"Resources": {"Data": "x"}}])
def test_a_template_that_is_none(template: object) -> None:
    assert token_of(template, "Data") is None
