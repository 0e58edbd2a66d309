"""What Slack accepts as the content of a message, and whom a message would call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.slack.blockkit import TEXT, called, problems

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def pings(message: dict[str, Any]) -> list[str]:
    """The texts of a message that would notify people."""
    found = [text for text in _texts(message) if any(mark in text for mark in PING_MARKS)]
    return found or called(message)


def _texts(part: Any) -> Iterator[str]:
    """Of mrkdwn: in rich and plain text nothing is parsed."""
    if isinstance(part, dict):
        literal = part.get("type") in {"text", "plain_text", "link"}
        for key, value in part.items():
            if key == "text" and isinstance(value, str):
                if not literal:
                    yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for item in part:
            yield from _texts(item)
