"""Block Kit within its limits, with text from outside only where Slack takes it for text.

In `rich_text` and `plain_text` nothing is parsed: no mention, link, channel or formatting comes out of
a name. `mrkdwn` is for what consists of our own words alone: dates, and whom the configuration calls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy_action.common.escape import one_line, slack_plain
from deploy_action.common.links import openable
from deploy_action.common.times import clock_time, iso

if TYPE_CHECKING:
    from collections.abc import Iterable

Element = dict[str, Any]
Piece = str | Element | None
"""Of a line: our own words, or an element; None is left out."""

BLOCKS_MAX = 50
HEADER_MAX = 150
LABEL_MAX = 40
"""Of a button: Slack takes 75 and shows about 30 of them."""
NAME_MAX = 120
CONTEXT_MAX = 300
_TIMES = (946_684_800.0, 4_102_444_800.0)
"""From 2000 to 2100: other times are not told."""
_USER, _GROUP = re.compile(r"[UW][A-Z0-9]{2,20}"), re.compile(r"S[A-Z0-9]{2,20}")


def outside(
    text: str, limit: int = NAME_MAX, *, bold: bool = False, code: bool = False, italic: bool = False
) -> Element | None:
    """Text from outside on one line, cut with an ellipsis; None where nothing is left of it."""
    words = one_line(text, limit)
    return styled(words, bold=bold, code=code, italic=italic) if words else None


def styled(words: str, *, bold: bool = False, code: bool = False, italic: bool = False) -> Element:
    """Our own words."""
    style = {name: True for name, on in (("bold", bold), ("code", code), ("italic", italic)) if on}
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def bold(words: str) -> Element:
    return styled(words, bold=True)


def link(words: str, url: str, *, bold: bool = False) -> Element | None:
    """A link; plain words where the address is none that may be opened."""
    words = one_line(words, NAME_MAX)
    if not (words and openable(url)):
        return outside(words, bold=bold)
    return {"type": "link", "url": url, "text": words, **({"style": {"bold": True}} if bold else {})}


def when(unix_seconds: float | None) -> Element | None:
    """A time of day in the reader's own zone; else in UTC."""
    if unix_seconds is None or not _TIMES[0] <= unix_seconds <= _TIMES[1]:
        return None
    fallback = f"{clock_time(unix_seconds)[:5]} UTC"
    return {"type": "date", "timestamp": int(unix_seconds), "format": "{time}", "fallback": fallback}


def around(before: str, piece: Piece, after: str = "") -> list[Piece]:
    """Words around a piece; nothing where there is none."""
    return [before, piece, after] if piece else []


def line(*pieces: Piece) -> Element | None:
    """One line of a rich text; None where nothing is in it."""
    elements = [styled(piece) if isinstance(piece, str) else piece for piece in pieces if piece]
    return {"type": "rich_text_section", "elements": elements} if elements else None


def quote(text: str, limit: int) -> Element | None:
    """The words of a service, set apart."""
    said = outside(text, limit)
    return {"type": "rich_text_quote", "elements": [said]} if said else None


def bullets(lines: Iterable[Element | None]) -> Element | None:
    items = [item for item in lines if item is not None]
    return {"type": "rich_text_list", "style": "bullet", "elements": items} if items else None


def rich(*parts: Element | None) -> Element | None:
    """A block of lines, quotes and lists, one below the other."""
    elements = [part for part in parts if part is not None]
    return {"type": "rich_text", "elements": elements} if elements else None


def header(text: str) -> Element:
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": slack_plain(text, HEADER_MAX), "emoji": True},
    }


def context(*parts: str | float | None, verb: str = "As of") -> Element | None:
    """Small print: texts from outside are separate elements, and a number is a time."""
    elements: list[Element] = []
    for part in parts:
        if isinstance(part, str) and (words := slack_plain(part, CONTEXT_MAX)):
            elements.append({"type": "plain_text", "text": words, "emoji": False})
        elif isinstance(part, float) and _TIMES[0] <= part <= _TIMES[1]:
            at, utc = int(part), iso(part)[:16].replace("T", " ")
            words = f"{verb} <!date^{at}^{{time}}|{utc} UTC>"
            elements.append({"type": "mrkdwn", "text": words, "verbatim": True})
    return {"type": "context", "elements": elements[:10]} if elements else None


def mentions(people: Iterable[str]) -> Element | None:
    """Calls those whom the configuration names; what is no id of Slack's calls nobody."""
    called = dict.fromkeys(mark for one in people if (mark := _mention(one)))
    words = " ".join([*called][:20])
    return {"type": "section", "text": {"type": "mrkdwn", "text": words, "verbatim": True}} if words else None


def _mention(identity: str) -> str:
    identity = identity.strip().removeprefix("@")
    if _USER.fullmatch(identity):
        return f"<@{identity}>"
    if _GROUP.fullmatch(identity):
        return f"<!subteam^{identity}>"
    return f"<!{identity}>" if identity in {"here", "channel"} else ""


def buttons(links: Iterable[tuple[str, str, str]]) -> Element | None:
    """Buttons that are links: action id, label, address. What cannot be opened has no button."""
    elements = [
        {
            "type": "button",
            "action_id": action_id,
            "text": {"type": "plain_text", "text": slack_plain(label, LABEL_MAX), "emoji": True},
            "url": url,
        }
        for action_id, label, url in links
        if openable(url) and slack_plain(label, LABEL_MAX)
    ]
    return {"type": "actions", "elements": elements[:5]} if elements else None


def kept(*found: Element | None) -> tuple[Element, ...]:
    return tuple(block for block in found if block is not None)[:BLOCKS_MAX]
