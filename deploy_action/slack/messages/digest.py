"""Several messages as one: what happened at once, or while the channel could not be reached."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy_action.slack.ports import Announcement

LINES_MAX = 15
LINE_MAX = 300
SECTION_MAX = 2900


def folded(lines: tuple[tuple[float, str], ...], *, late: bool = True) -> Announcement:
    """From times (unix seconds) and texts, escaped already. Long stories lose their middle. `late`: Slack
    could not be reached; else they came together."""
    told = [f"`{_time(at)}` {_cut(text)}" for at, text in lines]
    if len(told) > LINES_MAX:
        head, tail = told[:3], told[3 - LINES_MAX :]
        told = [*head, f"… {len(lines) - len(head) - len(tail)} more", *tail]
    count = "1 message, time" if len(lines) == 1 else f"{len(lines)} messages, times"
    why = "Delivered late, since Slack could not be reached" if late else "Delivered together"
    title = f"{why} ({count} in UTC):"
    text = f"{title}\n" + "\n".join(told)
    blocks: list[dict[str, object]] = [_section(f"*{title}*")]
    part = ""
    for line in told:
        if len(part) + len(line) + 1 > SECTION_MAX:
            blocks.append(_section(part))
            part = ""
        part = f"{part}\n{line}" if part else line
    blocks.append(_section(part))
    return Announcement(text, tuple(blocks))


def _time(at: float) -> str:
    """With its day: it may be told days later."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M:%S")
    except (OverflowError, OSError, ValueError):  # it comes from a registry
        return "?"


def _cut(text: str) -> str:
    """On one line. An entity such as `&lt;` is never cut in two."""
    line = " ".join(text.split())
    if len(line) <= LINE_MAX:
        return line
    short = line[: LINE_MAX - 1]
    start = short.rfind("&", -6)
    if start >= 0 and ";" not in short[start:]:
        short = short[:start]
    # A link or a mention that is cut in two would no longer be one.
    opened = short.rfind("<")
    short = short[:opened] if opened > short.rfind(">") else short
    return f"{short}…{'`' * (short.count('`') % 2)}"


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}
