"""Text from outside, made harmless for each place that shows it. The words stay readable.

The runner reads commands from the log: `::name::` at the start of a trimmed line, and `##[name]` anywhere in
a line (source: actions/runner, ActionCommand.cs), whatever the case. A line can be torn where another program
writes to the same pipe, so no name of a command is left anywhere in it; a visible space does that. Terminals
read ANSI sequences, Markdown reads nearly everything, Slack reads `<...>`. GitHub and Slack also make more of
bare words (addresses, mentions, issues, channels, emoji): such a word becomes code, which is seen, does
nothing, and is copied as it was.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

LOG_LINE_MAX = 1000
"""The live log cuts lines at 1,024 characters."""
LOG_TEXT_MAX = 4000
"""Of a text that may go on over several lines."""
ANNOTATION_MAX = 4000
_ACTING = (
    "add-mask|add-matcher|add-path|internal-set-repo-path|remove-matcher|"
    "save-state|set-env|set-output|stop-commands"
)
_SPEAKING = "debug|echo|endgroup|error|group|notice|warning"
"""Also words that end a resource type (`AWS::IAM::Group`): commands only where another `::` follows,
on a later line too, since data of a command has its line ends as `%0A`."""
_COMMAND = re.compile(rf"(?is)::(?=(?:{_ACTING})(?![\w-])|(?:{_SPEAKING})(?:::|[ \t].*::))")

_SHORTCODE = r":[a-z0-9_+\-']+:"
_ACTS_IN_MARKDOWN = re.compile(rf"@.|#\d|{_SHORTCODE}|(?i:https?|ftp|mailto|xmpp):|(?i:www)\.|(?i:gh)-\d")
_ACTS_IN_SLACK = re.compile(rf"@.|#\w|{_SHORTCODE}|(?i:https?|ftp|mailto):|(?i:www)\.")
_CODE = re.compile(r"`([^`\s](?:[^`]*[^`\s])?)`")
_WORD = re.compile(r"(?:`[^`\s](?:[^`]*[^`\s])?`|\S)+")
"""With the code that it has in it, of which a part may be several words."""
_SLACK_CODE = re.compile(rf"[(\[{{\"']*{_CODE.pattern}[)\]}}\"'.,;:!?]*")
"""Slack takes backticks for code only where nothing else touches them."""
_BRACKETS = {")": "(", "]": "[", "}": "{"}

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""One without its end must not take along what we say after it: with a space or a stop in it, it is none."""
_KEPT = {"\n", "\t"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$!])")


def plain(text: str) -> str:
    """Without ANSI sequences, carriage returns, control, bidirectional and other invisible characters."""
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char if char in _KEPT or unicodedata.category(char)[0] != "C" else " " for char in text)


def one_line(text: str, limit: int = LOG_LINE_MAX) -> str:
    """Plain text on one line, cut with an ellipsis."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def log_text(text: str, limit: int = LOG_LINE_MAX) -> str:
    """For any place in a log line: no workflow command survives in it."""
    line = _inert(one_line(text, limit))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def log_lines(text: str, width: int, limit: int = LOG_TEXT_MAX) -> list[str]:
    """The same for long texts, on lines of up to `width` characters, parted between words where it can be."""
    line = _inert(one_line(text, limit))
    lines: list[str] = []
    while len(line) > width:
        space = line.rfind(" ", width // 2, width + 1)
        cut = space if space > 0 else width
        lines.append(line[:cut])
        line = line[cut:].removeprefix(" ")
    return [*lines, line]


def _inert(text: str) -> str:
    """Without anything that the runner takes for a command, wherever a line of the text begins."""
    text = _COMMAND.sub(": :", text.replace("##[", "## ["))
    if text.startswith("::"):
        return f": :{text[2:]}"
    # What it is put behind may end in a colon.
    return f" {text}" if _COMMAND.match(f":{text}") else text


def command_data(text: str, limit: int = ANNOTATION_MAX) -> str:
    """For the data of a workflow command: annotations may have several lines."""
    text = _inert(plain(text).strip())
    text = (
        f" {text}" if _COMMAND.match(f"::{text}") else text
    )  # it stands behind the colons of our own command
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """For a property of a workflow command, such as `title`."""
    return command_data(one_line(text, 200)).replace(":", "%3A").replace(",", "%2C")


def machine_json(text: str) -> str:
    """The same JSON in ASCII with no workflow command in it, also where somebody prints it in a step: `#` and
    what is no ASCII stand in its strings alone, and may be written as `\\u0023` there."""
    return re.sub(r"[^\x00-\x7e]+", lambda match: json.dumps(match[0])[1:-1], text.replace("#", "\\u0023"))


def commit_message(text: str, limit: int = 200) -> str:
    """For a commit's first line, of which GitHub makes mentions and references to issues, also by address: a
    visible space parts them."""
    return re.sub(r"(@(?=\S)|#(?=\d)|(?i:gh)-(?=\d)|://(?=\S))", r"\1 ", one_line(text, limit))


def markdown(text: str, limit: int = 2000) -> str:
    """For prose in GitHub-flavoured Markdown: nothing in it is markup, link, mention, issue or emoji. A word
    of which GitHub would make one of these is code."""
    return _as_a_line(" ".join(map(_markdown_word, one_line(text, limit).split(" "))))


def _as_a_line(line: str) -> str:
    """At the start of a list's item these would make a heading, a list or a rule."""
    return re.sub(r"^(\d+(?=[.)])|(?=[-+=#]))", r"\1\\", line)


def _markdown_word(word: str) -> str:
    """A pipe stands outside of code: there a table wants it with a backslash, and other text without."""
    parts = [_harmless(part, _ACTS_IN_MARKDOWN, _markdown_text, _code_span) for part in word.split("|")]
    return "\\|".join(parts)


def _markdown_text(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", text)


def _harmless(
    word: str, acts: re.Pattern[str], as_text: Callable[[str], str], as_code: Callable[[str], str]
) -> str:
    """A word as text; as code where it would act. The brackets and stops around it are not part of it."""
    if not acts.search(word):
        return as_text(word)
    core = word.lstrip("([{\"'")
    before = word[: len(word) - len(core)]
    while core and (
        core[-1] in ".,;:!?\"'" or core.count(core[-1]) > core.count(_BRACKETS.get(core[-1], core[-1]))
    ):
        core = core[:-1]
    if not acts.search(core):
        return as_code(word)
    return f"{as_text(before)}{as_code(core)}{as_text(word[len(before) + len(core) :])}"


def link(words: str, url: str) -> str:
    """A link in Markdown, also inside a table; `words` are Markdown already."""
    url = re.sub(r"[^\w./:?#&=%~+,;@!*'-]", lambda match: quote(match[0], safe=""), one_line(url, 2000))
    return f"[{words}]({url})"


def prose(text: str, limit: int = 2000) -> str:
    """Like `markdown`, but what stands between backticks becomes code: for our own sentences."""
    return _as_a_line(_WORD.sub(lambda word: _prose_word(word[0]), one_line(text, limit)))


def _prose_word(word: str) -> str:
    parts = _CODE.split(word)
    if len(parts) == 1 or _ACTS_IN_MARKDOWN.search("".join(parts[::2])):
        return _markdown_word(word)
    return "".join(code(part) if index % 2 else _markdown_text(part) for index, part in enumerate(parts))


def code(text: str, limit: int = 300) -> str:
    """A code span, also inside a table: names, types and statuses as they are."""
    # A table takes a backslash before a pipe away, and would take an escaped backslash for itself.
    return _code_span(re.sub(r"(\\*)\|", r"\1\1\|", one_line(text, limit)))


def _code_span(line: str) -> str:
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def code_block(text: str, limit: int = 4000) -> str:
    """A fenced block whose fence is longer than any in the text."""
    body = plain(text).strip()
    body = body if len(body) <= limit else body[: limit - 1] + "…"
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"


def mermaid(text: str, limit: int = 40) -> str:
    """For a name in a Mermaid Gantt chart: its grammar gives `:`, `;`, `#`, `,` and line ends a meaning."""
    line = re.sub(r"[^\w .()/+=@-]", " ", one_line(text, 400))
    line = " ".join(line.split()) or "unnamed"
    # The end of a nested name tells more than its start.
    return line if len(line) <= limit else "…" + line[1 - limit :]


def slack(text: str, limit: int = 2800) -> str:
    """For Slack's mrkdwn: `&`, `<`, `>` in this order, so that nothing pings or links. A word of which Slack
    would make more is code; a backtick that is no part of code is shown as `'`, as mrkdwn has no escapes."""
    line = one_line(text, limit)
    while len(found := _slack_line(line)) > limit:
        cut = len(line) - max(1, (len(found) - limit) // 5)
        line = line[: cut - 1] + "…"
    return found


def _slack_line(line: str) -> str:
    shown = _WORD.sub(lambda word: _slack_word(word[0]), line)
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_word(word: str) -> str:
    if _SLACK_CODE.fullmatch(word):
        return word
    words = word.replace("`", "'").split(" ")
    return " ".join(_harmless(one, _ACTS_IN_SLACK, str, lambda core: f"`{core}`") for one in words)


def slack_plain(text: str, limit: int) -> str:
    """For Slack's plain_text, which knows emoji and nothing else: `:name:` is parted by a space."""
    line = re.sub(rf"(?={_SHORTCODE}):", ": ", one_line(text, limit))
    return line if len(line) <= limit else line[: limit - 1] + "…"
