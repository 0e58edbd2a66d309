"""What depends on what in a template."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy_action.cloudformation.template_graph import Template, template_of

TYPE = "AWS::SQS::Queue"


def graph(**bodies: Any) -> dict[str, set[str]]:
    resources = {name: {"Type": TYPE, **body} for name, body in bodies.items()}
    found = template_of({"Resources": resources})
    assert found is not None
    return {name: set(others) for name, others in found.graph.items()}


def properties(value: object) -> dict[str, object]:
    return {"Properties": {"Deep": [{"er": value}]}}


def test_each_way_to_depend() -> None:
    found = graph(
        A={},
        B=properties({"Ref": "A"}),
        C=properties({"Fn::GetAtt": "A.Arn"}),
        D=properties({"Fn::GetAtt": ["A", "Outputs.Deep.Name"]}),
        E=properties({"Fn::Sub": "arn:${A}:${B.Arn}-${AWS::Region}"}),
        F={"DependsOn": "A"},
        G={"DependsOn": ["A", "B"]},
        H=properties({"Fn::If": ["Cond", {"Ref": "A"}, {"Ref": "B"}]}),
        I=properties({"Fn::Join": ["", ["x", {"Ref": "A"}]]}),
        J={"Metadata": {"x": {"Ref": "A"}}},
    )
    assert found == {
        "A": set(),
        "B": {"A"},
        "C": {"A"},
        "D": {"A"},
        "E": {"A", "B"},
        "F": {"A"},
        "G": {"A", "B"},
        "H": {"A", "B"},
        "I": {"A"},
        "J": {"A"},
    }


def test_what_is_no_dependency() -> None:
    found = graph(
        A={},
        B=properties({"Ref": "Parameter"}),
        C=properties({"Fn::Sub": ["${A} ${Other}", {"A": "a text", "Other": {"Ref": "B"}}]}),
        D=properties({"Fn::Sub": "${!A} $A {A}"}),
        E=properties({"Ref": "E"}),
        F=properties("A"),
    )
    assert found == {"A": set(), "B": set(), "C": {"B"}, "D": set(), "E": set(), "F": set()}


def test_what_macros_rewrite_is_told() -> None:
    resources: dict[str, Any] = {"A": {"Type": TYPE}}
    plain, macro = (
        {"Resources": resources},
        {"Resources": resources, "Transform": "AWS::Serverless-2016-10-31"},
    )
    loop = {"Resources": {**resources, "Fn::ForEach::Each": ["x", ["1"], {"Q${x}": {"Type": TYPE}}]}}
    inner = {"Resources": {"A": {"Type": TYPE, "Properties": {"Fn::Transform": {"Name": "AWS::Include"}}}}}
    found = [template_of(one) for one in (plain, macro, loop, inner)]
    assert [one.transformed for one in found if one] == [False, True, True, True]


def test_what_is_no_template() -> None:
    nothing: tuple[object, ...] = (None, [], "text", {}, {"Resources": []}, {"Resources": None})
    for data in nothing:
        assert template_of(data) is None
    assert template_of({"Resources": {"A": {}, "B": [], "C": {"Type": 3}}}) == Template()


def test_shared_parts_are_walked_once_for_each_resource() -> None:
    part: object = {"Ref": "A"}
    for _ in range(60):
        part = [part, part]
    assert graph(A={}, B=properties(part), C=properties(part)) == {"A": set(), "B": {"A"}, "C": {"A"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Ref", "Fn::GetAtt", "Fn::Sub", "DependsOn", "Type", "Resources", "A"]),
            inner,
            max_size=3,
        )
    ),
)


@given(JSON)
def test_no_data_breaks_it(data: object) -> None:
    found = template_of({"Resources": {"A": {"Type": TYPE, "Properties": data}, "B": data}})
    assert found is not None
    assert all(others <= set(found.types) for others in found.graph.values())
