"""Draws messages as Slack shows them.

Blocks become HTML in Slack's looks, and a headless Chromium (`CHROMIUM`, else `chromium` on the path)
draws it; `pngquant`, where there is one, makes it small.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PEOPLE = {"!subteam^S0ONCALL": "@shop-oncall"}
WIDTH, SCALE = 1180, 2

_STYLE = """
*{box-sizing:border-box} body{margin:0;background:#f4f4f6;font:15px/1.46 Lato,'Noto Color Emoji',sans-serif;
color:#1d1c1d;width:WIDTHpx}
main{display:grid;grid-template-columns:1fr 1fr;gap:18px 22px;padding:22px}
h2{font:700 12px/1 Inter,Lato,sans-serif;letter-spacing:.04em;color:#616061;margin:0 0 8px 4px}
.card{background:#fff;border:1px solid #dddde0;border-radius:10px;padding:12px 16px 12px}
.message{display:grid;grid-template-columns:36px 1fr;column-gap:10px}
.message+.message{margin-top:12px}
.face{width:36px;height:36px;border-radius:8px;background:#1f6feb;color:#fff;text-align:center;
font:700 15px/36px Inter,sans-serif}
.small .face{width:24px;height:24px;border-radius:6px;font-size:10px;line-height:24px;margin-left:6px}
.who{font-weight:900}.app{background:#e8e8ea;border-radius:3px;font:700 10px/1 Lato;padding:2px 4px;
color:#616061;margin:0 6px;vertical-align:1px}.time{color:#616061;font-size:12px}
.edited{color:#868686;font-size:12px}
.header{font-weight:900;font-size:18px;line-height:1.33;margin:4px 0 4px}
.rich{margin:2px 0 6px}.quote{border-left:4px solid #ddd;border-radius:2px;padding-left:10px;margin:3px 0}
.rich ul{margin:2px 0;padding-left:22px}
code{font:12px/1.5 'DejaVu Sans Mono',monospace;background:#f6f6f7;border:1px solid #e1e1e3;border-radius:3px;
padding:1px 3px;color:#c01343}
a{color:#1264a3;text-decoration:none}.context{font-size:13px;color:#616061;margin:4px 0 6px}
.context span{margin-right:8px;display:inline-block}
.mention{background:#fcf4da;color:#1264a3;border-radius:3px;padding:0 2px}
.section{margin:4px 0}
.button{display:inline-block;font:700 13px/1 Lato;border:1px solid #bbbabb;border-radius:4px;padding:7px 11px;
margin:2px 8px 2px 0;color:#1d1c1d}
.thread{margin-top:14px;border-top:1px solid #e8e8ea;padding-top:12px}
.replies{font-size:12px;color:#616061;margin-bottom:8px}
"""


@dataclass(frozen=True)
class Told:
    """One message as Slack was sent it, under a title: its content, when it was posted (unix seconds), and
    what was posted in its thread."""

    title: str
    content: Any
    at: float
    edited: bool = False
    replies: tuple[tuple[Any, float], ...] = ()


def page(found: Sequence[Told]) -> str:
    cards = [_card(one) for one in found]
    half = (len(cards) + 1) // 2
    style = _STYLE.replace("WIDTH", str(WIDTH))
    return (
        f"<!doctype html><meta charset=utf-8><style>{style}</style>"
        f"<main><div>{''.join(cards[:half])}</div><div>{''.join(cards[half:])}</div></main>"
    )


def _card(one: Told) -> str:
    replies = ""
    if one.replies:
        inside = "".join(_said(content, at, small=True) for content, at in one.replies)
        count = f"{len(one.replies)} repl{'y' if len(one.replies) == 1 else 'ies'}"
        replies = f"<div class='thread'><div class=replies>{count}</div>{inside}</div>"
    return (
        f"<section style='margin-bottom:18px'><h2>{escape(one.title)}</h2>"
        f"<div class=card>{_said(one.content, one.at, edited=one.edited)}{replies}</div></section>"
    )


def _said(content: Any, at: float, *, edited: bool = False, small: bool = False) -> str:
    mark = "<span class=edited> (edited)</span>" if edited else ""
    return (
        f"<div class='message{' small' if small else ''}'><div class=face>DC</div><div>"
        f"<span class=who>Deploy Coordinator</span><span class=app>APP</span>"
        f"<span class=time>{_clock(at)}</span>{mark}{html_of(content['blocks'])}</div></div>"
    )


def html_of(blocks: Any) -> str:
    """Block Kit as HTML: the kinds of blocks that the product sends."""
    return "".join(_BLOCKS[block["type"]](block) for block in blocks)


def _rich(block: Any) -> str:
    return f"<div class=rich>{''.join(_part(part) for part in block['elements'])}</div>"


def _part(part: Any) -> str:
    if part["type"] == "rich_text_list":
        items = "".join(f"<li>{_inline(item['elements'])}</li>" for item in part["elements"])
        return f"<ul>{items}</ul>"
    kind = "quote" if part["type"] == "rich_text_quote" else "line"
    return f"<div class={kind}>{_inline(part['elements'])}</div>"


def _inline(elements: Any) -> str:
    return "".join(_element(element) for element in elements)


def _element(element: Any) -> str:
    if element["type"] == "date":
        return _clock(element["timestamp"])
    words = escape(element["text"])
    if element["type"] == "link":
        words = f"<a>{words}</a>"
    for style, tag in (("code", "code"), ("bold", "b"), ("italic", "i")):
        if element.get("style", {}).get(style):
            words = f"<{tag}>{words}</{tag}>"
    return words


def _text(text: Any) -> str:
    if text["type"] == "plain_text":
        return escape(text["text"])

    def mark(match: re.Match[str]) -> str:
        if match[1].startswith("!date"):
            return _clock(float(match[1].split("^")[1]))
        return f"<span class=mention>{PEOPLE[match[1]]}</span>"

    return re.sub(r"<([^<>]*)>", mark, text["text"])


def _context(block: Any) -> str:
    return f"<div class=context>{''.join(f'<span>{_text(e)}</span>' for e in block['elements'])}</div>"


def _actions(block: Any) -> str:
    found = "".join(f"<span class=button>{_text(e['text'])}</span>" for e in block["elements"])
    return f"<div>{found}</div>"


_BLOCKS = {
    "header": lambda block: f"<div class=header>{_text(block['text'])}</div>",
    "rich_text": _rich,
    "section": lambda block: f"<div class=section>{_text(block['text'])}</div>",
    "context": _context,
    "actions": _actions,
}


def _clock(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%-I:%M %p")


def draw_slack(found: Sequence[Told], target: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": WIDTH, "height": 400}, device_scale_factor=SCALE)
        shown.set_content(page(found))
        shown.screenshot(path=str(target), full_page=True)
        browser.close()
    made_small(target)


def made_small(target: Path) -> None:
    """By pngquant, where there is one."""
    smaller = shutil.which("pngquant")
    if smaller:
        subprocess.run([smaller, "--force", "--ext", ".png", "--skip-if-larger", "64", target], check=False)
