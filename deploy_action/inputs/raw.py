"""The inputs as they arrive in `DEPLOY_COORDINATOR_INPUTS`, a JSON object of texts by name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from deploy_action.common.masks import shapes_in
from deploy_action.errors import InvalidInput
from deploy_action.inputs.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS = tuple(name for name, one in TABLE.items() if one.secret)
SECRET_LENGTH_MIN = 8
"""Shorter ones are none, and would hide words of the log."""


def raw_inputs(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        raw = json.loads(environ.get("DEPLOY_COORDINATOR_INPUTS") or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput((f"The inputs did not arrive as JSON ({error}).",)) from error
    if not isinstance(raw, dict):
        raise InvalidInput(("The inputs did not arrive as a JSON object.",))
    found: dict[str, str] = {}
    for name, value in raw.items():
        # The runner hands names on as they were written, and compares them without regard to case.
        found[str(name).lower()] = "" if value is None else str(value).strip()
    return found


def secrets_given(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets among the inputs, whether they are right or wrong: the tokens, and what looks like a
    credential in whatever place; of an address also its path alone, which is its secret. Never raises."""
    try:
        raw = raw_inputs(environ)
    except InvalidInput:
        found = shapes_in(environ.get("DEPLOY_COORDINATOR_INPUTS", ""))
    else:
        found = [raw[name] for name in SECRETS if name in raw]
        found += [shape for value in raw.values() for shape in shapes_in(value)]
    found += [re.sub(r"^\w+://[^/]*/", "", secret) for secret in found]
    return tuple(dict.fromkeys(secret for secret in found if len(secret) >= SECRET_LENGTH_MIN))
