"""The stack outputs that people want to read: as `slack-outputs` chooses, in Slack and in the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def chosen(outputs: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """In the order of `names`: an output's name, `Web*` for all that begin so, `*` for all, or `STACK/NAME`.
    `outputs` is by name, or by `STACK/NAME` where there are several stacks."""
    found: dict[str, str] = {}
    for name in names:
        found |= {output: value for output, value in outputs.items() if _is_called(output, name)}
    return found


def _is_called(output: str, name: str) -> bool:
    output = output if "/" in name else output.rpartition("/")[2]
    return output.startswith(name[:-1]) if name.endswith("*") else output == name
