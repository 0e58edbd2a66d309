"""Block Kit as Slack's reference describes it, for the blocks that a message may hold; and what a reader
sees, is led to, and is called by.

Written from https://docs.slack.dev/reference/block-kit, knowing nothing of the product. Stricter
than Slack in one thing: a field that the reference does not name is a problem.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BLOCKS = 50
TEXT = 40_000
TEXT_RECOMMENDED = 4000
METADATA_BYTES = 15_000

_DATE_TOKENS = {
    "day_divider_pretty",
    "date_num",
    "date_slash",
    "date_long",
    "date_long_full",
    "date_long_pretty",
    "date",
    "date_pretty",
    "date_short",
    "date_short_pretty",
    "time",
    "time_secs",
    "ago",
}
_TOKEN = re.compile(r"\{(\w*)\}")
_MARK = re.compile(r"<([^<>]*)>")
_SPECIAL = re.compile(
    r"@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!here|!channel|!everyone|#C[A-Z0-9]+"
    r"|!date\^-?\d+\^(?P<format>[^|^]*)(\^[^|]*)?\|(?P<fallback>[^|]+)"
    r"|(?P<url>(https?|mailto):[^|\s]+)(\|(?P<words>[^|]+))?"
)
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


def message_problems(message: Mapping[str, Any]) -> list[str]:
    """All that is wrong with the content of a message: text, blocks and metadata."""
    found = list(problems(message.get("blocks") or []))
    text = message.get("text") or ""
    if not text and not message.get("blocks"):
        found.append("no_text")
    if len(text) > TEXT:
        found.append("msg_too_long")
    metadata = message.get("metadata")
    if metadata is not None:
        if set(metadata) != {"event_type", "event_payload"} or not isinstance(
            metadata["event_payload"], dict
        ):
            found.append("invalid_metadata_format")
        elif len(repr(metadata).encode()) > METADATA_BYTES:
            found.append("metadata_too_large")
    return found


def problems(blocks: Any) -> Iterator[str]:
    """What Slack would refuse, each with a JSON pointer."""
    if not isinstance(blocks, list | tuple):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > BLOCKS:
        yield f"no more than {BLOCKS} items allowed [json-pointer:/blocks]"
    identities = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(identities) != len(set(identities)):
        yield "block_id must be unique [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        where = f"/blocks/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        check = _BLOCKS.get(str(kind))
        if check is None:
            yield f"unsupported type: {kind} [json-pointer:{where}/type]"
            continue
        fields, required, inside = check
        yield from _fields(block, where, fields | {"type", "block_id"}, required)
        yield from _length(block.get("block_id", "-"), f"{where}/block_id", 255)
        yield from inside(block, where)


def _fields(part: dict[str, Any], where: str, allowed: set[str], required: set[str]) -> Iterator[str]:
    yield from (f"invalid additional property: {name} [json-pointer:{where}]" for name in set(part) - allowed)
    yield from (f"missing required field: {name} [json-pointer:{where}]" for name in required - set(part))


def _length(value: Any, where: str, most: int) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"must be more than 0 characters [json-pointer:{where}]"
    elif len(value.encode("utf-16-le")) // 2 > most:
        yield f"must be less than {most + 1} characters [json-pointer:{where}]"


def _items(value: Any, where: str, most: int) -> Iterator[str]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= most:
        yield f"between 1 and {most} items required [json-pointer:{where}]"


def _text(
    value: Any, where: str, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")
) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield f"must be a text object of type {' or '.join(kinds)} [json-pointer:{where}]"
        return
    own = "verbatim" if value["type"] == "mrkdwn" else "emoji"
    yield from _fields(value, where, {"type", "text", own}, {"text"})
    yield from _length(value.get("text"), f"{where}/text", most)
    if not isinstance(value.get(own, True), bool):
        yield f"must be a boolean [json-pointer:{where}/{own}]"
    if value["type"] == "mrkdwn" and isinstance(value.get("text"), str):
        yield from (f"{problem} [json-pointer:{where}/text]" for problem in mrkdwn_problems(value["text"]))


def mrkdwn_problems(text: str) -> Iterator[str]:
    """What is no valid mark, entity or date: Slack would show such things as they are, broken."""
    for mark in _MARK.findall(text):
        match = _SPECIAL.fullmatch(mark)
        if match is None:
            yield f"not a mark of mrkdwn: <{mark}>"
        elif match["format"] is not None and not _known_tokens(match["format"]):
            yield f"not a date format: {match['format']}"
    rest = _MARK.sub("", text)
    if "<" in rest or ">" in rest:
        yield "a bare < or >"
    if _ENTITY.search(rest):
        yield "a bare &"


def _known_tokens(template: Any) -> bool:
    tokens = _TOKEN.findall(template) if isinstance(template, str) else []
    return bool(tokens) and set(tokens) <= _DATE_TOKENS


def _section(block: dict[str, Any], where: str) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield f"text or fields required [json-pointer:{where}]"
    if "text" in block:
        yield from _text(block["text"], f"{where}/text", 3000)
    if "fields" in block:
        yield from _items(block["fields"], f"{where}/fields", 10)
        for number, item in enumerate(block["fields"]):
            yield from _text(item, f"{where}/fields/{number}", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{where}/accessory")


def _header(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _text(block.get("text"), f"{where}/text", 150, ("plain_text",))


def _context(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _items(block.get("elements"), f"{where}/elements", 10)
    for number, element in enumerate(block.get("elements") or []):
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, f"{where}/elements/{number}")
        else:
            yield from _text(element, f"{where}/elements/{number}", 2000)


def _actions(block: dict[str, Any], where: str) -> Iterator[str]:
    elements = block.get("elements") or []
    yield from _items(elements, f"{where}/elements", 25)
    identities = [element.get("action_id") for element in elements if "action_id" in element]
    if len(identities) != len(set(identities)):
        yield f"action_id must be unique [json-pointer:{where}/elements]"
    for number, element in enumerate(elements):
        yield from _element(element, f"{where}/elements/{number}")


def _element(element: Any, where: str) -> Iterator[str]:
    if not isinstance(element, dict) or element.get("type") != "button":
        yield f"unsupported element [json-pointer:{where}]"
        return
    allowed = {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    yield from _fields(element, where, allowed, {"text"})
    yield from _text(element.get("text"), f"{where}/text", 75, ("plain_text",))
    yield from _length(element.get("action_id", "-"), f"{where}/action_id", 255)
    yield from _length(element.get("value", "-"), f"{where}/value", 2000)
    yield from _length(element.get("accessibility_label", "-"), f"{where}/accessibility_label", 75)
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield f"must be primary or danger [json-pointer:{where}/style]"
    if "url" in element:
        yield from _url(element["url"], f"{where}/url")


def _url(value: Any, where: str) -> Iterator[str]:
    yield from _length(value, where, 3000)
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s<>\"|]+", value):
        yield f"must be a valid URL [json-pointer:{where}]"


def _image(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _length(block.get("image_url"), f"{where}/image_url", 3000)
    yield from _length(block.get("alt_text"), f"{where}/alt_text", 2000)


def _rich_text(block: dict[str, Any], where: str) -> Iterator[str]:
    yield from _items(block.get("elements"), f"{where}/elements", 1000)
    for number, part in enumerate(block.get("elements") or []):
        yield from _rich_part(part, f"{where}/elements/{number}")


def _rich_part(part: Any, where: str) -> Iterator[str]:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in _RICH_PARTS:
        yield f"unsupported type: {kind} [json-pointer:{where}]"
        return
    yield from _fields(part, where, {"type", "elements"} | _RICH_PARTS[kind], {"elements"})
    yield from _items(part.get("elements"), f"{where}/elements", 1000)
    if kind == "rich_text_list" and part.get("style") not in {"bullet", "ordered"}:
        yield f"must be bullet or ordered [json-pointer:{where}/style]"
    for number, element in enumerate(part.get("elements") or []):
        place = f"{where}/elements/{number}"
        if kind == "rich_text_list":
            if not isinstance(element, dict) or element.get("type") != "rich_text_section":
                yield f"a list consists of sections [json-pointer:{place}]"
                continue
            yield from _rich_part(element, place)
        else:
            only = {"text", "link"} if kind == "rich_text_preformatted" else set(_RICH)
            yield from _rich_element(element, place, only)


def _rich_element(element: Any, where: str, only: set[str]) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in only:
        yield f"unsupported element: {kind} [json-pointer:{where}]"
        return
    required, optional = _RICH[kind]
    yield from _fields(element, where, {"type", "style"} | required | optional, required)
    for name in sorted((required | optional) & set(element) - {"timestamp", "unsafe", "skin_tone"}):
        if name == "url":
            yield from _url(element["url"], f"{where}/url")
        else:
            yield from _length(element[name], f"{where}/{name}", 3000)
    style = element.get("style", {})
    if not isinstance(style, dict) or not all(value is True or value is False for value in style.values()):
        yield f"must be an object of booleans [json-pointer:{where}/style]"
    elif set(style) - {
        "bold",
        "italic",
        "strike",
        "code",
        "highlight",
        "client_highlight",
        "unlink",
        "underline",
    }:
        yield f"unknown style [json-pointer:{where}/style]"
    if kind == "date":
        if type(element.get("timestamp")) is not int:
            yield f"must provide an integer [json-pointer:{where}/timestamp]"
        if not _known_tokens(element.get("format")):
            yield f"not a date format [json-pointer:{where}/format]"
    if kind == "broadcast" and element.get("range") not in {"here", "channel", "everyone"}:
        yield f"not a range [json-pointer:{where}/range]"


def _nothing(_block: dict[str, Any], _where: str) -> Iterator[str]:
    yield from ()


_RICH_PARTS: dict[str, set[str]] = {
    "rich_text_section": set(),
    "rich_text_list": {"style", "indent", "offset", "border"},
    "rich_text_quote": {"border"},
    "rich_text_preformatted": {"border", "language"},
}
_RICH: dict[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, set()),
    "link": ({"url"}, {"text", "unsafe"}),
    "date": ({"timestamp", "format"}, {"url", "fallback", "timezone"}),
    "emoji": ({"name"}, {"unicode", "skin_tone"}),
    "user": ({"user_id"}, set()),
    "usergroup": ({"usergroup_id"}, set()),
    "channel": ({"channel_id"}, set()),
    "broadcast": ({"range"}, set()),
    "color": ({"value"}, set()),
}
_BLOCKS: dict[str, tuple[set[str], set[str], Callable[[dict[str, Any], str], Iterator[str]]]] = {
    "actions": ({"elements"}, {"elements"}, _actions),
    "context": ({"elements"}, {"elements"}, _context),
    "divider": (set(), set(), _nothing),
    "header": ({"text"}, {"text"}, _header),
    "image": ({"image_url", "alt_text", "title"}, {"alt_text"}, _image),
    "rich_text": ({"elements"}, {"elements"}, _rich_text),
    "section": ({"text", "fields", "accessory", "expand"}, set(), _section),
}


def called(message: Mapping[str, Any]) -> list[str]:
    """Whom a message notifies: `@U1`, `!subteam^S1`, `!here` and their like, in order."""
    found: list[str] = []
    for part in _parts(message.get("blocks") or [], text=message.get("text") or ""):
        kind = part.get("type")
        if kind == "mrkdwn":
            found += [m for m in _MARK.findall(part["text"]) if m[:1] in {"@", "!"} and m[:5] != "!date"]
        elif kind == "user":
            found.append(f"@{part['user_id']}")
        elif kind == "usergroup":
            found.append(f"!subteam^{part['usergroup_id']}")
        elif kind == "broadcast":
            found.append(f"!{part['range']}")
    return found


def addresses(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where a message leads: (words, address) of links and buttons, in order."""
    found: list[tuple[str, str]] = []
    for part in _parts(message.get("blocks") or [], text=message.get("text") or ""):
        kind = part.get("type")
        if kind == "mrkdwn":
            marks = [match for mark in _MARK.findall(part["text"]) if (match := _SPECIAL.fullmatch(mark))]
            found += [(match["words"] or match["url"], match["url"]) for match in marks if match["url"]]
        elif kind == "link":
            found.append((part.get("text") or part["url"], part["url"]))
        elif "url" in part:
            found.append(
                (part["text"]["text"] if kind == "button" else part.get("fallback", ""), part["url"])
            )
    return found


def seen(message: Mapping[str, Any]) -> str:
    """What a reader sees of the blocks, a line a block or line of rich text; dates by their fallback."""
    return "\n".join(_lines(message.get("blocks") or []))


def _lines(blocks: Any) -> Iterator[str]:
    for block in blocks:
        if block["type"] == "rich_text":
            yield from _rich_lines(block["elements"])
        elif block["type"] in {"context", "actions"}:
            joint = " | " if block["type"] == "context" else "] ["
            line = joint.join(_seen(element) for element in block["elements"])
            yield f"[{line}]" if block["type"] == "actions" else line
        elif "text" in block:
            yield _seen(block)


def _rich_lines(parts: Any) -> Iterator[str]:
    for part in parts:
        if part["type"] == "rich_text_list":
            yield from (f"• {line}" for line in _rich_lines(part["elements"]))
        else:
            words = "".join(_seen(element) for element in part["elements"])
            yield f"> {words}" if part["type"] == "rich_text_quote" else words


def _seen(element: Any) -> str:
    if element["type"] == "date":
        return str(element["fallback"])
    text = element.get("text", "")
    if isinstance(text, dict):
        return _seen(text)
    if element["type"] != "mrkdwn":
        return str(text)
    plain = _MARK.sub(lambda mark: mark[1].rpartition("|")[2], text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _parts(blocks: Any, *, text: str = "") -> Iterator[dict[str, Any]]:
    """All objects with a type, depth first; the message's own text is mrkdwn."""
    if text:
        yield {"type": "mrkdwn", "text": text}
    if isinstance(blocks, dict):
        if "type" in blocks:
            yield blocks
        for value in blocks.values():
            yield from _parts(value)
    elif isinstance(blocks, list | tuple):
        for item in blocks:
            yield from _parts(item)
