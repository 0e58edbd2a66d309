"""Local names in templates: found, replaced without touching anything else, and named by content."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.cloudformation.local_references import references_in
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.cloudformation.template_rewrite import with_texts
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX, TemplateTree, packaged

PATH = ("Resources", "Child", "Properties", "TemplateURL")
URL = "https://s3.eu-west-1.amazonaws.com/b/k.template"
YAML = """# ä comment
Resources:
  Account: {Type: X, Properties: {Id: 012345670123, On: yes, At: 2020-01-01, Sum: !Sub '${A}'}}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: %s
      Last: x
"""


@pytest.mark.parametrize(
    ("written", "replaced"),
    [
        ("child.yaml", f'"{URL}"'),
        ("'child.yaml'  # why", f'"{URL}"  # why'),
        ('"./häfen/child.yaml"', f'"{URL}"'),
        ("&name child.yaml", f'&name "{URL}"'),
        (">-\n        child.yaml", f'"{URL}"'),
    ],
)
def test_only_the_name_itself_is_replaced(written: str, replaced: str) -> None:
    assert with_texts(YAML % written, {PATH: URL}) == YAML % replaced


def test_a_name_that_others_share_is_refused() -> None:
    text = YAML.replace("Last: x", "Last: *name") % "&name child.yaml"
    with pytest.raises(ValueError, match="without YAML anchors"):
        with_texts(text, {PATH: URL})


def test_json_with_tabs_is_json() -> None:
    data = {"Resources": {"Child": {"Properties": {"TemplateURL": "c.json", "N": 1.50, "Ä": None}}}}
    changed = json.loads(with_texts(json.dumps(data, indent="\t"), {PATH: URL}))
    data["Resources"]["Child"]["Properties"]["TemplateURL"] = URL
    assert changed == data


@given(st.text(st.characters(exclude_categories=("C", "Z"), max_codepoint=0xFFFD), min_size=1, max_size=30))
def test_whatever_stands_around_it_stays(noise: str) -> None:
    text = f"{YAML % 'child.yaml'}Description: {json.dumps(noise, ensure_ascii=False)}\n"
    changed = parse_template(with_texts(text, {PATH: URL}))
    before = parse_template(text)
    before["Resources"]["Child"]["Properties"]["TemplateURL"] = URL
    assert changed == before


@pytest.mark.parametrize(
    ("kind", "properties", "found"),
    [
        ("AWS::CloudFormation::Stack", {"TemplateURL": "a/b.yaml"}, "a/b.yaml"),
        ("AWS::CloudFormation::Stack", {"TemplateURL": "https://b.s3.amazonaws.com/k"}, ""),
        ("AWS::CloudFormation::Stack", {"TemplateURL": {"Ref": "Url"}}, ""),
        ("AWS::CloudFormation::Stack", {"TemplateURL": "{{resolve:ssm:/url}}"}, ""),
        ("AWS::CloudFormation::Stack", {"TemplateURL": "x/${Name}.yaml"}, ""),
        ("AWS::Serverless::Application", {"Location": "app.yaml"}, "app.yaml"),
        ("AWS::Serverless::Application", {"Location": {"ApplicationId": "arn"}}, ""),
        ("AWS::Lambda::Function", {"Code": "src"}, "src"),
        ("AWS::Lambda::Function", {"Code": {"ZipFile": "src"}}, ""),
        ("AWS::Serverless::Function", {"CodeUri": "s3://b/k"}, ""),
        ("AWS::Glue::Job", {"Command": {"ScriptLocation": "job.py"}}, "job.py"),
    ],
)
def test_which_texts_may_name_local_files(kind: str, properties: dict[str, object], found: str) -> None:
    template = {"Resources": {"One": {"Type": kind, "Properties": properties}}}
    assert [one.value for one in references_in(template)] == ([found] if found else [])


def test_loops_and_includes_are_looked_into() -> None:
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "c.yaml"}}
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "part.yaml"}}}
    template = {
        "Mappings": include,
        "Resources": {"Fn::ForEach::All": ["Name", ["a"], {"Stack${Name}": stack}]},
    }
    found = {one.value: one for one in references_in(template)}
    assert set(found) == {"c.yaml", "part.yaml"}
    assert found["c.yaml"].path == (
        "Resources",
        "Fn::ForEach::All",
        2,
        "Stack${Name}",
        "Properties",
        "TemplateURL",
    )


def test_a_change_far_below_changes_all_names_above_it_and_no_other() -> None:
    def names(leaf: str) -> list[str]:
        other = TemplateTree("other.yaml", YAML % "none")
        below = TemplateTree("leaf.yaml", leaf)
        middle = TemplateTree("middle.yaml", YAML % "leaf.yaml", ((PATH, below),))
        second = ("Resources", "Account", "Properties", "At")
        root = TemplateTree("root.yaml", YAML % "middle.yaml", ((PATH, middle), (second, other)))
        package = packaged(root, lambda key: f"https://s3/{key}")
        assert package.root is None
        return [one.key for one in package.objects]

    first, second = names("A: 1"), names("A: 2")
    assert [one == other for one, other in zip(first, second, strict=True)] == [False, False, True]


def test_a_large_template_is_an_object_itself() -> None:
    package = packaged(TemplateTree("t.yaml", "# " + "x" * BODY_BYTES_MAX), lambda key: key)
    assert package.root is not None
    assert package.objects == (package.root,)
