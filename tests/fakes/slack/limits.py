"""What Slack accepts as the content of a message. Limits are those of its reference for Block Kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCKS = 50
TEXT = 40_000  # characters; beyond it Slack cuts a posted message and refuses an update
PING_MARKS = ("<!channel", "<!here", "<!everyone", "<@", "<!subteam")


def refusal(message: dict[str, Any]) -> tuple[str, list[str]] | None:
    """The error code and details for a message that Slack would refuse."""
    blocks = message.get("blocks") or []
    if not message.get("text") and not blocks:
        return "no_text", []
    if len(message.get("text") or "") > TEXT:
        return "msg_too_long", []
    found = list(problems(blocks))
    if found:
        return "invalid_blocks", [f"[ERROR] {problem}" for problem in found]
    metadata = message.get("metadata")
    if metadata is not None and not ({"event_type", "event_payload"} <= set(metadata)):
        return "invalid_metadata_format", []
    return None


def problems(blocks: Any) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > BLOCKS:
        yield f"no more than {BLOCKS} items allowed [json-pointer:/blocks]"
    identities = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(identities) != len(set(identities)):
        yield "block_id must be unique [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, dict) else None
        check = _CHECKS.get(str(kind))
        where = f"/blocks/{number}"
        if check is None:
            yield f"unsupported type: {kind} [json-pointer:{where}/type]"
            continue
        yield from check(block, where)
        yield from _length(block.get("block_id", "-"), f"{where}/block_id", 255)


def pings(message: dict[str, Any]) -> list[str]:
    """The texts of a message that would notify people: text from outside that was not escaped."""
    return [text for text in _texts(message) if any(mark in text for mark in PING_MARKS)]


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)


def _length(value: Any, where: str, most: int) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"must be more than 0 characters [json-pointer:{where}]"
    elif len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{where}]"


def _text(
    value: Any, where: str, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")
) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(kinds)} [json-pointer:{where}]"
        return
    yield from _length(value.get("text"), f"{where}/text", most)


def _section(block: dict[str, Any], where: str) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield f"text or fields required [json-pointer:{where}]"
    if "text" in block:
        yield from _text(block["text"], f"{where}/text", 3000)
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield f"no more than 10 items allowed [json-pointer:{where}/fields]"
    for number, item in enumerate(fields):
        yield from _text(item, f"{where}/fields/{number}", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{where}/accessory")


def _header(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{where}/text", 150, ("plain_text",))


def _context(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:
        yield f"between 1 and 10 items required [json-pointer:{where}/elements]"
    for number, element in enumerate(elements):
        if element.get("type") == "image":
            yield from _image(element, f"{where}/elements/{number}")
        else:
            yield from _text(element, f"{where}/elements/{number}", 2000)


def _actions(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"between 1 and 25 items required [json-pointer:{where}/elements]"
    for number, element in enumerate(elements):
        yield from _element(element, f"{where}/elements/{number}")


def _element(element: dict[str, Any], where: str) -> Iterator[str]:
    if element.get("type") != "button":
        yield f"unsupported type: {element.get('type')} [json-pointer:{where}]"
        return
    yield from _text(element.get("text"), f"{where}/text", 75, ("plain_text",))
    yield from _length(element.get("url", "-"), f"{where}/url", 3000)
    yield from _length(element.get("action_id", "-"), f"{where}/action_id", 255)


def _image(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _length(block.get("image_url"), f"{where}/image_url", 3000)
    yield from _length(block.get("alt_text"), f"{where}/alt_text", 2000)


def _nothing(_block: dict[str, Any], _where: str) -> Iterator[str]:
    yield from ()


_CHECKS: dict[str, Callable[[dict[str, Any], str], Iterator[str]]] = {
    "actions": _actions,
    "context": _context,
    "divider": _nothing,
    "header": _header,
    "image": _image,
    "section": _section,
}
