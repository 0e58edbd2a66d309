"""The inputs in YAML, from `deploy_action/data/inputs.toml`: those of the three action.yml, and what the
workflow to call takes and hands on. Only what stands below `inputs:` of an action is written, and in the
workflow what stands between two lines:

    # generated: NAME
    # /generated
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import yaml

from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.inputs.table import Input

WIDTH = 120
_HEAD = "inputs: # written by `make docs` from deploy_action/data/inputs.toml"
_OF_ACTION = re.compile(r"^inputs:.*?(?=^\S)", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(
    r"(?P<begin>^ *# generated: (?P<name>[\w ]+)\n).*?(?P<end>^ *# /generated\n)", re.DOTALL | re.MULTILINE
)


def action_with_inputs(text: str, descriptions: Mapping[str, str]) -> str:
    """The text of an action.yml with the inputs that `descriptions` has by name. A sub-action requires
    none."""
    parts = []
    for name, description in descriptions.items():
        one = TABLE[name]
        required = one.required and description == one.description
        rule = "required: true" if required else f"default: {_scalar(one.default)}"
        parts.append(f"  {name}:\n{_described(description, 4)}    {rule}\n")
    return _OF_ACTION.sub(lambda _: f"{_HEAD}\n{''.join(parts)}\n", text)


def main_descriptions() -> dict[str, str]:
    return {name: one.description for name, one in TABLE.items() if one.description}


def lock_descriptions() -> dict[str, str]:
    return {name: one.lock_description for name, one in TABLE.items() if one.lock_description}


def release_descriptions() -> dict[str, str]:
    return {name: one.release_description for name, one in TABLE.items() if one.release_description}


def workflow_with_inputs(text: str) -> str:
    """Raises KeyError for a block that has no writer."""
    blocks = {"inputs": _taken(), "secrets": _secrets(), "with": _handed_on()}
    return _BLOCK.sub(lambda m: f"{m['begin']}{blocks[m['name']]}{m['end']}", text)


def passed_on() -> list[Input]:
    return [one for one in TABLE.values() if one.description and one.workflow]


def secret_name(one: Input) -> str:
    return one.name.replace("-", "_")


def _taken() -> str:
    """Those of the workflow's inputs that the action has; it declares `environment` itself."""
    parts = []
    for one in passed_on():
        if one.secret or one.name == "environment":
            continue
        rule = "required: true" if one.required else f"default: {_scalar(one.default)}"
        described = _described(one.workflow_description or "As the action's input.", 8)
        parts.append(f"      {one.name}:\n{described}        {rule}\n        type: string\n")
    return "".join(parts)


def _secrets() -> str:
    """Names with `_`, which `secrets: inherit` finds, and the former ones with a hyphen."""
    parts = []
    for one in (one for one in passed_on() if one.secret and not one.default):
        name = secret_name(one)
        description = one.workflow_description or f"As the action's input `{one.name}`."
        parts.append(f"      {name}:\n{_described(description, 8)}        required: false\n")
        former = f"The former name of `{name}`."
        parts.append(f"      {name.replace('_', '-')}:\n{_described(former, 8)}        required: false\n")
    return "".join(parts)


def _handed_on() -> str:
    return "".join(f"          {one.name}: {_expression(one)}\n" for one in passed_on())


def _expression(one: Input) -> str:
    if not one.secret:
        return f"${{{{ inputs.{one.name} }}}}"
    name = secret_name(one)
    return one.default or f"${{{{ secrets.{name} || secrets.{name.replace('_', '-')} }}}}"


def _described(text: str, indent: int) -> str:
    """In one line where YAML reads that as it is; else folded."""
    margin = " " * indent
    line = f"{margin}description: {_scalar(text)}"
    if len(line) <= WIDTH:
        return f"{line}\n"
    folded = textwrap.fill(
        text,
        WIDTH,
        initial_indent=f"{margin}  ",
        subsequent_indent=f"{margin}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{margin}description: >-\n{folded}\n"


def _scalar(text: str) -> str:
    """As plain text where that is read as the same text, else in quotation marks."""
    if "\n" not in text:
        try:
            if text and yaml.safe_load(f"x: {text}") == {"x": text}:
                return text
        except yaml.YAMLError:
            pass
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
