"""Text from outside, made harmless for each place that shows it. The words stay readable.

The runner reads commands from the log: `::name::` at the start of a trimmed line, and `##[name]` anywhere in
a line (source: actions/runner, ActionCommand.cs), whatever the case. A line can be torn where another program
writes to the same pipe, so no name of a command is left anywhere in it; a visible space does that, and harms
no address that somebody copies. Terminals read ANSI sequences, Markdown reads nearly everything, Slack reads
`<...>`.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

LOG_LINE_MAX = 1000
"""The live log cuts lines at 1,024 characters."""
LOG_TEXT_MAX = 4000
"""Of a text that may go on over several lines."""
ANNOTATION_MAX = 4000
_ZERO_WIDTH = "\u200b"
_ACTING = (
    "add-mask|add-matcher|add-path|internal-set-repo-path|remove-matcher|"
    "save-state|set-env|set-output|stop-commands"
)
_SPEAKING = "debug|echo|endgroup|error|group|notice|warning"
"""Also words that end a resource type (`AWS::IAM::Group`): commands only where another `::` follows."""
_COMMAND = re.compile(rf"(?i)::(?=(?:{_ACTING})(?![\w-])|(?:{_SPEAKING})(?:::|[ \t].*::))")

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
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
    """The same JSON with no workflow command and no control character in it, also where somebody prints it in
    a step: `#` stands in its strings alone, and may be written as `\\u0023` there."""
    return re.sub(r"[#\x7f-\x9f\u2028\u2029]", lambda match: f"\\u{ord(match[0]):04x}", text)


def markdown(text: str, limit: int = 2000) -> str:
    """For prose in GitHub-flavoured Markdown: nothing in it is markup, link, mention, issue or emoji.

    GitHub looks for mentions and their like in the text that is left after parsing, where escapes are gone:
    an invisible space keeps those apart.
    """
    line = one_line(text, limit)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _MARKDOWN.sub(r"\\\1", line)
    line = re.sub(r"(@|#(?=\d))", f"\\1{_ZERO_WIDTH}", line)
    line = re.sub(r":(?=[a-z0-9_+\\-]+:)", f":{_ZERO_WIDTH}", line)
    line = re.sub(r"(?i)((?:https?|ftp|mailto|xmpp):|www(?=\.)|GH-(?=\d))", f"\\1{_ZERO_WIDTH}", line)
    # At the start of a list's item these would make a heading, a list or a rule.
    return re.sub(r"^(\d+(?=[.)])|(?=[-+=#]))", r"\1\\", line)


def link(words: str, url: str) -> str:
    """A link in Markdown, also inside a table; `words` are Markdown already."""
    url = re.sub(r"[^\w./:?#&=%~+,;@!*'-]", lambda match: quote(match[0], safe=""), one_line(url, 2000))
    return f"[{words}]({url})"


def prose(text: str, limit: int = 2000) -> str:
    """Like `markdown`, but what stands between backticks becomes code: for our own sentences."""
    parts = one_line(text, limit).split("`")
    if len(parts) % 2 == 0:
        return markdown(text, limit)
    return "".join(code(part) if index % 2 else _spaced(part, limit) for index, part in enumerate(parts))


def _spaced(part: str, limit: int) -> str:
    before = " " if part.startswith(" ") else ""
    after = " " if part.endswith(" ") and part.strip() else ""
    return f"{before}{markdown(part, limit)}{after}"


def code(text: str, limit: int = 300) -> str:
    """A code span, also inside a table: names, types and statuses as they are."""
    line = one_line(text, limit)
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    # A table takes a backslash before a pipe away, and would take an escaped backslash for itself.
    line = re.sub(r"(\\*)\|", r"\1\1\|", line)
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
    """For Slack's mrkdwn: `&`, `<`, `>` in this order, so that nothing pings or links. What Slack would make
    of bare words is kept apart by an invisible space, and a run of backticks is no block."""
    line = re.sub(r"(@|#(?=\w))", f"\\1{_ZERO_WIDTH}", one_line(text, limit))
    line = re.sub(r"(?i)((?:https?|ftp|mailto):|www(?=\.))", f"\\1{_ZERO_WIDTH}", line)
    line = _without_shortcodes(line).replace("```", f"`{_ZERO_WIDTH}`{_ZERO_WIDTH}`")
    while len(escaped := line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) > limit:
        cut = len(line) - max(1, (len(escaped) - limit) // 5)
        line = line[: cut - 1] + "…"
    return escaped


def slack_plain(text: str, limit: int) -> str:
    """For Slack's plain_text, which knows emoji and nothing else: `:name:` stays what it is."""
    line = _without_shortcodes(one_line(text, limit))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _without_shortcodes(line: str) -> str:
    return re.sub(r":(?=[a-z0-9_+\-']+:)", f":{_ZERO_WIDTH}", line)
