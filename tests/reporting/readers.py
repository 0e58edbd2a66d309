"""Independent readers of what is rendered: the runner's, GitHub's and Slack's rules, written anew."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]

COMMANDS = ["set-env", "add-path", "set-output", "add-mask", "error", "group", "stop-commands", "echo"]
"""Some of the runner's commands; the readers below take any other name for one as well."""


REGISTERED = [
    *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
    *("internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env", "set-output"),
    *("stop-commands", "warning"),
]
"""All of them (source: actions/runner, ActionCommandManager.cs and its extensions)."""


def runner_lines(text: str) -> list[str]:
    """Lines as .NET's reader splits them."""
    return re.split(r"\r\n|\r|\n", text)


def runner_command(line: str) -> str | None:
    """The command that the runner sees in one line of the log, of any name; None for a plain line."""
    trimmed = line.strip()
    if trimmed.startswith("::"):
        end = trimmed.find("::", 2)
        if end >= 0:
            return trimmed[2:end].partition(" ")[0].lower()
    start = line.find("##[")
    if start >= 0:
        end = line.find("]", start)
        if end >= 0:
            return line[start + 3 : end].partition(" ")[0].lower()
    return None


def runner_commands(text: str) -> list[str]:
    return [found for line in runner_lines(text) if (found := runner_command(line)) is not None]


def decoded_command(line: str) -> tuple[str, dict[str, str], str]:
    """Name, properties and data of a `::name key=value,...::data` line, as the runner decodes them."""
    head, _, data = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" ")
    pairs = (pair.partition("=") for pair in properties.split(",") if pair)
    return name, {key: _decoded(value, ("%3A", ":"), ("%2C", ",")) for key, _, value in pairs}, _decoded(data)


def _decoded(text: str, *more: tuple[str, str]) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
        text = text.replace(code, sign)
    return text


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text: list[str] = []
        self.other: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)


def html_of(markdown: str) -> str:
    """As GitHub renders Markdown, with raw HTML let through so that it can be seen."""
    unsafe = cmarkgfm.Options.CMARK_OPT_UNSAFE
    return str(
        cmarkgfm.markdown_to_html_with_extensions(
            markdown, options=unsafe, extensions=["table", "autolink", "strikethrough", "tasklist"]
        )
    )


def elements(markdown: str) -> tuple[list[str], str]:
    """Tags of all elements, in order, and the text that is left."""
    parser = _Elements()
    parser.feed(html_of(markdown))
    parser.close()
    assert parser.other == []
    return parser.tags, "".join(parser.text)


_SLACK_CODE = re.compile(r"(?<![\w`])`[^`\n]+`(?![\w`])")
_SLACK_ACTS = re.compile(r"@\w|#\w|:[a-z0-9_+-]+:|(?i:https?|ftp|mailto):|(?i:www)\.\w|```")


def slack_acts(mrkdwn: str) -> list[str]:
    """Of bare words outside of code: those that Slack makes mentions, channels, emoji, links or blocks of."""
    return _SLACK_ACTS.findall(_SLACK_CODE.sub("", mrkdwn))


GITHUB_ACTS = re.compile(r"(?<!\w)@\w|(?<!\w)#\d|\b(?i:gh)-\d|:[a-z0-9_+-]+:|(?i:https?:|www\.\w)")
"""The same for the text of GitHub's Markdown that is left outside of code."""


def prose_of(page: str) -> str:
    """The text of a page as GitHub looks through it: without code, which it leaves alone."""
    outside = re.sub(r"<(code|pre)[ >].*?</\1>", " ", html_of(page), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", outside))
