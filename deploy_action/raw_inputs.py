"""The inputs as they arrive in `DEPLOY_COORDINATOR_INPUTS`, a JSON object of texts by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deploy_action.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    """What must not be seen of the inputs, whether they are right or wrong. Never raises."""
    try:
        raw = raw_inputs(environ)
    except InvalidInput:
        return ()
    return tuple(
        raw[name] for name in ("slack-bot-token", "slack-webhook-url") if len(raw.get(name, "")) >= 8
    )
