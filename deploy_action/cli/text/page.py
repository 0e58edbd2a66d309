"""A summary in Markdown, made for GitHub's page, as a page for a terminal."""

from __future__ import annotations

import html
import re

from deploy_action.common.escape import log_text

_FENCED = re.compile(r"^```mermaid\n.*?^```\n?", re.MULTILINE | re.DOTALL)
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
_TAG = re.compile(r"</?[a-z][^>\n]*>")


def readable(markdown: str) -> str:
    """Without what only a browser draws: diagrams, and folds, whose heads become bold lines."""
    text = _FENCED.sub("", markdown)
    text = _SUMMARY.sub(lambda found: f"\n**{_TAG.sub('', found[1]).strip()}**\n", text)
    text = html.unescape(_TAG.sub("", text))
    return "\n".join(log_text(line) for line in text.splitlines())


def shown(markdown: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(highlight=False)
    console.print()
    console.print(Markdown(readable(markdown), hyperlinks=False))
