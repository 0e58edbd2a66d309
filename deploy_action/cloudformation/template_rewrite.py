"""Other texts at some places of a template; everything else stays as it was written.

A template that is loaded and dumped is another one: `007` becomes 7, comments and order may go. So of YAML
only the scalars themselves are replaced in the text, and the result is read again.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.template_parser import parse_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.cloudformation.local_references import Path


def with_texts(text: str, new: Mapping[Path, str]) -> str:
    """Raises ValueError where a place cannot be replaced without touching another one."""
    if not new:
        return text
    wanted = _replaced(parse_template(text), new)
    if _is_json(text):
        return json.dumps(_replaced(json.loads(text), new), ensure_ascii=False, separators=(",", ":"))
    changed = _spliced(text, new)
    if parse_template(changed) != wanted:
        raise ValueError(
            "a name of a local file in it cannot be replaced by an address. Write each of them as a plain "
            "text of its own, without YAML anchors."
        )
    return changed


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _replaced(data: Any, new: Mapping[Path, str]) -> Any:
    # Aliases are one object at several places: each place gets its own.
    data = json.loads(json.dumps(data)) if _is_plain(data) else copy.deepcopy(data)
    for path, value in new.items():
        part = data
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
    return data


def _is_plain(data: object) -> bool:
    try:
        json.dumps(data)
    except (TypeError, ValueError):
        return False
    return True


def _spliced(text: str, new: Mapping[Path, str]) -> str:
    import yaml

    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    spans: dict[tuple[int, int], str] = {}
    for path, value in new.items():
        node = _node(root, path)
        if node is not None:
            spans[node.start_mark.index, node.end_mark.index] = value
    for (start, end), value in sorted(spans.items(), reverse=True):
        old = text[start:end]
        properties = re.match(r"(?:&\S+\s+)*", old)
        kept = properties[0] if properties is not None else ""
        rest = old[len(old.rstrip()) :]
        text = f"{text[:start]}{kept}{json.dumps(value)}{rest}{text[end:]}"
    return text


def _node(node: Any, path: Path) -> Any:
    """None where the way leads through a merge or a tag."""
    import yaml

    for key in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if str(name.value) == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
        else:
            return None
    return node if isinstance(node, yaml.ScalarNode) else None
