"""The inputs, as `data/inputs.toml` declares them: the only place where one is."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from deploy_action.data import read_table


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the action and of its sub-actions `lock` and `release`.

    An action has it where there is a description for it. `default` is the text that GitHub hands on where the
    input is not given.
    """

    name: str
    group: str = ""
    """The heading of its table in docs/reference.md."""
    default: str = ""
    required: bool = False
    secret: bool = False
    """Masked in the log, and without a default a secret of the workflows to call."""
    ways: tuple[str, ...] = ()
    """Of template, command, plan, apply and watch: those that it is for; empty: all."""
    aliases: tuple[str, ...] = ()
    """Names that other actions give the same thing."""
    description: str = ""
    lock_description: str = ""
    release_description: str = ""
    workflow: bool = True
    """The workflows to call pass it on."""
    workflow_description: str = ""

    @property
    def only_for_template(self) -> bool:
        return self.ways == ("template",)

    @property
    def is_switch(self) -> bool:
        """`true` or `false`, and off by default."""
        return self.default == "false"


def _input(row: dict[str, object]) -> Input:
    """Raises TypeError for a key that no input has."""
    return Input(**{key.replace("-", "_"): _value(value) for key, value in row.items()})  # type: ignore[arg-type]


def _value(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split())
    return tuple(value) if isinstance(value, list) else value


TABLE = {row["name"]: _input(row) for row in tomllib.loads(read_table("inputs.toml"))["input"]}
"""By name, in the order of the documents."""
