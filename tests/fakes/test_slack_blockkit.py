"""The validator refuses what Slack refuses: one rule of its reference at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.slack.blockkit import addresses, called, message_problems, mrkdwn_problems, problems, seen


def text(words: str = "x", kind: str = "plain_text", **more: Any) -> dict[str, Any]:
    return {"type": kind, "text": words, **more}


def rich(*elements: Any, part: str = "rich_text_section", **more: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": part, "elements": list(elements), **more}]}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(), "action_id": "a", "url": "https://example.com/", **more}


def actions(*elements: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


DATE = {"type": "date", "timestamp": 1, "format": "{time}", "fallback": "12:00 UTC"}
GOOD: list[dict[str, Any]] = [
    {"type": "header", "text": text("x" * 150, emoji=True)},
    {"type": "section", "text": text("x" * 3000, "mrkdwn", verbatim=True)},
    {"type": "section", "fields": [text("x" * 2000)] * 10},
    {"type": "context", "elements": [text("<!date^1^{time}|12:00 UTC> <@U0A> &lt;", "mrkdwn")] * 10},
    actions(*(button(action_id=str(n), url="https://e/" + "x" * 2990) for n in range(25))),
    {"type": "divider"},
    rich(DATE, text(kind="text", style={"bold": True}), {"type": "link", "url": "https://example.com"}),
    rich(text(kind="text"), part="rich_text_quote"),
    rich(
        {"type": "rich_text_section", "elements": [text(kind="text")]}, part="rich_text_list", style="bullet"
    ),
]
BAD: dict[str, dict[str, Any]] = {
    "an unknown block": {"type": "table"},
    "a header too long": {"type": "header", "text": text("x" * 151)},
    "a header of characters that count twice": {"type": "header", "text": text("😀" * 76)},
    "a header with markup": {"type": "header", "text": text(kind="mrkdwn")},
    "an empty text": {"type": "section", "text": text("")},
    "a section too long": {"type": "section", "text": text("x" * 3001)},
    "a section of nothing": {"type": "section"},
    "too many fields": {"type": "section", "fields": [text()] * 11},
    "a field too long": {"type": "section", "fields": [text("x" * 2001)]},
    "an empty context": {"type": "context", "elements": []},
    "a context of eleven": {"type": "context", "elements": [text()] * 11},
    "a bare angle bracket": {"type": "context", "elements": [text("a < b", "mrkdwn")]},
    "emoji of markup": {"type": "context", "elements": [text("a", "mrkdwn", emoji=True)]},
    "a field of its own": {"type": "divider", "color": "red"},
    "a block id too long": {"type": "divider", "block_id": "x" * 256},
    "no button": actions(),
    "too many buttons": actions(*(button(action_id=str(n)) for n in range(26))),
    "a label too long": actions(button(text=text("x" * 76))),
    "a label with markup": actions(button(text=text(kind="mrkdwn"))),
    "two buttons of one id": actions(button(), button()),
    "an address too long": actions(button(url="https://e/" + "x" * 2991)),
    "an address that is none": actions(button(url="javascript:alert(1)")),
    "an empty rich text": {"type": "rich_text", "elements": []},
    "an empty line": rich(),
    "an empty piece": rich(text("", "text")),
    "a piece of markup": rich(text(kind="mrkdwn")),
    "a style that is no truth value": rich(text(kind="text", style={"bold": 1})),
    "an unknown style": rich(text(kind="text", style={"size": True})),
    "a date as text": rich({**DATE, "timestamp": "1"}),
    "a date without a format": rich({**DATE, "format": "noon"}),
    "a list without a style": rich({"type": "rich_text_section", "elements": [DATE]}, part="rich_text_list"),
    "a list of texts": rich(text(kind="text"), part="rich_text_list", style="bullet"),
    "a date in code": rich(DATE, part="rich_text_preformatted"),
    "a range that is none": rich({"type": "broadcast", "range": "all"}),
}


@pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
def test_what_slack_takes(block: dict[str, Any]) -> None:
    assert list(problems([block])) == []


@pytest.mark.parametrize("what", BAD)
def test_what_slack_refuses(what: str) -> None:
    assert list(problems([BAD[what]]))


def test_a_message_as_a_whole() -> None:
    assert message_problems({"text": "x", "blocks": [{"type": "divider"}] * 50}) == []
    assert message_problems({"text": "x", "blocks": [{"type": "divider"}] * 51})
    assert message_problems({"text": "x", "blocks": [{"type": "divider", "block_id": "a"}] * 2})
    assert message_problems({"text": "", "blocks": []}) == ["no_text"]
    assert message_problems({"text": "x" * 40_001}) == ["msg_too_long"]
    assert message_problems({"text": "x", "metadata": {"event_type": "a"}}) == ["invalid_metadata_format"]
    payload = {"event_type": "a", "event_payload": {"b": "x" * 20_000}}
    assert message_problems({"text": "x", "metadata": payload}) == ["metadata_too_large"]


@pytest.mark.parametrize(
    "marks",
    ["<nonsense>", "<!date^1^{year}|x>", "<!date^1^{time}>", "a & b", "a > b", "<https://x y>", "<@u1>"],
)
def test_marks_that_are_none(marks: str) -> None:
    assert list(mrkdwn_problems(marks))


def test_who_is_called_wherever_it_stands() -> None:
    message = {
        "text": "<!here>",
        "blocks": [
            {"type": "section", "text": text("<@U1> <!subteam^S1> <!date^1^{time}|x>", "mrkdwn")},
            rich({"type": "user", "user_id": "U2"}, {"type": "broadcast", "range": "channel"}),
            rich(text("<!channel>", "text")),
            {"type": "header", "text": text("<@U9>")},
        ],
    }
    assert called(message) == ["!here", "@U1", "!subteam^S1", "@U2", "!channel"]


def test_where_it_leads_and_what_is_seen() -> None:
    message = {
        "blocks": [
            {"type": "context", "elements": [text("<https://a.example|a> &amp; b", "mrkdwn")]},
            rich({"type": "link", "url": "https://b.example", "text": "b"}, text(" at ", "text"), DATE),
            actions(button()),
        ]
    }
    assert addresses(message) == [
        ("a", "https://a.example"),
        ("b", "https://b.example"),
        ("x", "https://example.com/"),
    ]
    assert seen(message) == "a & b\nb at 12:00 UTC\n[x]"
