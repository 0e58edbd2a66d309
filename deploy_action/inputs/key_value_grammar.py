"""The keys of parameters and tags in the formats of AWS's tools."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """`section` is the name in CodePipeline's template configuration file."""

    noun: str
    key_name: str
    value_name: str
    section: str
    key_pattern: str
    has_previous_values: bool

    def check_key(self, key: str) -> str:
        """The same key; raises ValueError where CloudFormation takes none of that form."""
        if not re.fullmatch(self.key_pattern, key):
            raise ValueError(f"`{key[:60]}` is not the name of a {self.noun}.")
        return key


PARAMETERS = Grammar(
    "parameter",
    "ParameterKey",
    "ParameterValue",
    "Parameters",
    r"[A-Za-z0-9]{1,255}",
    has_previous_values=True,
)
"""Source: Parameter in the CloudFormation API reference, and the rules for logical names."""
TAGS = Grammar("tag", "Key", "Value", "Tags", r"[\w .:/=+@-]{1,128}", has_previous_values=False)
"""Source: Tag in the CloudFormation API reference."""
PAIRS_MAX = 1000
"""Of one input. CloudFormation takes 200 parameters and 50 tags."""
SECTIONS = ("Parameters", "Tags", "StackPolicy")
"""Of CodePipeline's template configuration file."""
USE_PREVIOUS = "UsePreviousValue"

Pairs = list[tuple[str, str | None]]
"""A value of None keeps the one that the stack has."""
