"""A template's text as data: JSON, or YAML with CloudFormation's short forms. Parsed at the border, bounded.

Every scalar is a text. `!GetAtt A.Arn` becomes `{"Fn::GetAtt": "A.Arn"}`, as CloudFormation reads it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES_MAX = 2_000_000
"""CloudFormation takes 1 MB; what its macros make of that may be larger."""
DEPTH_MAX = 100
NODES_MAX = 300_000
_ALIASES = "the template has YAML aliases, which CloudFormation does not take."


def parse_template(text: str) -> object:
    """Raises ValueError, with a sentence, for what is no template, or larger or deeper than one."""
    if len(text) > BYTES_MAX:
        raise ValueError(f"the template has {len(text):,} characters, and {BYTES_MAX:,} is the most.")
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except RecursionError as error:
            raise ValueError("the template is nested too deeply.") from error
        except ValueError:
            pass  # YAML may begin so as well
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _built(yaml.parse(text, Loader=loader))
    except yaml.YAMLError as error:
        raise ValueError("the template is neither JSON nor YAML.") from error


def _built(events: Iterable[Any]) -> object:
    """From the parser's events, without recursion. Anchors are refused, as CloudFormation does."""
    import yaml

    top: list[object] = []
    open_: list[_Open] = []
    count = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(_ALIASES)  # noqa: TRY004 - a wrong text, not a wrong type of ours
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            open_.append(_Open(event.tag, is_map=isinstance(event, yaml.MappingStartEvent)))
            if len(open_) > DEPTH_MAX:
                raise ValueError("the template is nested too deeply.")
            continue
        if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            value = open_.pop().value()
        elif isinstance(event, yaml.ScalarEvent):
            value = _tagged(event.tag, event.value)
        else:
            continue
        count += 1
        if count > NODES_MAX:
            raise ValueError("the template has too many parts.")
        if open_:
            open_[-1].items.append(value)
        else:
            top.append(value)
    if not top:
        raise ValueError("the template is empty.")
    return top[0]


class _Open:
    """A list or mapping whose end was not met yet; of a mapping keys and values alternate."""

    __slots__ = ("_is_map", "_tag", "items")

    def __init__(self, tag: str | None, *, is_map: bool) -> None:
        self._tag = tag
        self._is_map = is_map
        self.items: list[object] = []

    def value(self) -> object:
        if not self._is_map:
            return _tagged(self._tag, self.items)
        keys = [key if isinstance(key, str) else repr(key) for key in self.items[::2]]
        return _tagged(self._tag, dict(zip(keys, self.items[1::2], strict=True)))


def _tagged(tag: str | None, value: object) -> object:
    if not tag or not tag.startswith("!") or len(tag) < 2:
        return value
    name = tag[1:]
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}
