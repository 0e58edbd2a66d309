"""Which lines of a command's output tell why it failed.

Made after what cdk, sam, serverless, sceptre, aws, npm, tsc, docker, make, bash, Python, Node.js and .NET
print. A tool says its error last, often after its own stack trace, and wrappers around it (npm, make, cdk of
its app) say after it that something failed: words of wrappers count only where nothing better is there.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TELLING_MAX = 5
"""At most this many lines are quoted."""
LINE_MAX = 600
"""Of one line, in characters."""
_SEARCHED = 2000
"""Patterns look at so many characters of a line."""
_FOLLOWS_MAX = 4
"""A heading's own words stand within so many lines after it."""


class Weight(IntEnum):
    """How much a line tells, most first."""

    DIAGNOSIS = 0
    """A compiler, an interpreter or a service names what is wrong."""
    ERROR = 1
    """A tool says `Error: …`."""
    HINT = 2
    """Words that mostly mean a failure, without a form of their own."""
    WRAPPER = 3
    """Something says that something else failed."""


_STAMP = re.compile(
    r"^\s*(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z?\]?|\[\d\d:\d\d:\d\d(?: [AP]M)?\]"
    r"|#\d+ (?:\d+\.\d+ )?)"
    r"(?:\s*[|-]\s+|\s+)?"
)
_SIGN = r"(?:❌|✘|✖|✗|✕|×|⨯)\s*"
_NOISE = re.compile(
    r"""^\s*(?:
      at\s+\S.*[:(]|at\s+async\s|at\s+[\w.<>`]+\(|File\s"|\^+\s*$|[~^|\s]*$|\d+\s\||>\s|\+\s
      |\#\#\[debug\]|DEBUG\b|INFO\b|WARN(?:ING)?\b|npm\s(?:WARN|warn|notice|http)|\(node:\d+\)|\(Use\s`node
      |PASS\s|Node\.js\sv
      |.*\b0\serrors\b|.*\bno\serrors\b|During\shandling\sof|The\sabove\sexception\swas
    )""",
    re.VERBOSE,
)
_WRAPPER = re.compile(
    r"""(?:
      Subprocess\sexited\swith\serror|exited\swith\s(?:a\s)?(?:error\s|non-zero\s)?(?:status\s|exit\s)?code
      |(?:failed|exited|ended)\swith\s(?:exit\s|error\s)?(?:code|status)|returned\snon-zero\sexit
      |did\snot\scomplete\ssuccessfully|Exit\sstatus\s\d|\bELIFECYCLE\b|Process\scompleted\swith\sexit
      |See\sthe\serror\smessages\sabove|Failed\sat\sthe\s\S+\s\S+\sscript|^make(?:\[\d+\])?:\s\*\*\*\s\[
      |^\W{0,8}(?:Build|Deploy(?:ment)?)\s[Ff]ailed\W{0,8}$|Lifecycle\sscript
      |^Failed\sto\sbuild\sasset|\bfailed\sto\sdeploy\s\(\d
      |^\W{0,6}(?:TSError:)?\W{0,6}Unable\sto\scompile\sTypeScript:?$
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_DIAGNOSIS = re.compile(
    r"""(?:
      \berror\sTS\d+:|^"?An\serror\soccurred\s\(\w+\)|Unable\sto\slocate\scredentials
      |\bfail:\s(?!docker\sbuild)|(?:command\snot\sfound|:\snot\sfound|unbound\svariable|[Pp]ermission\sdenied)$
      |syntax\serror\snear|:\ssyntax\serror:|SSM\sparameter\s\S+\snot\sfound
      |^E\d{4}\b|No\srule\sto\smake\starget
      |Template\s(?:format|validation)\serror:|\bENOENT:|No\smatching\sdistribution|Could\snot\sfind\sa\sversion
    )""",
    re.VERBOSE,
)
_ERROR = re.compile(
    rf"""^\W{{0,4}}(?:{_SIGN})?(?:[\w./-]{{1,80}}:\s(?:\d+:\s)?)?(?:
      (?:Unhandled\s[Ee]xception[.:]\s|Uncaught\s)?(?:\[\w+\]\s)?(?:[\w.]{{1,120}})?
        (?:Error|Exception|Fault|Failure)(?:\s\[\w+\])?(?::\s*\S|$)
      |(?:error|ERROR|FATAL|fatal|FAILED|panic)(?:\[\w+\])?(?::|\s-)\s*\S|\[(?:ERROR|error)\]\s*\S
      |(?:CREATE|UPDATE|DELETE)_FAILED:
    )|^\s*{_SIGN}\S|\bfailed:\s(?:[\w.]+Error|Error)\b""",
    re.VERBOSE,
)
_HINT = re.compile(
    r"\b(?:failed to|unable to|could not|cannot|can't|not authorized|access denied|no such file"
    r"|does not exist|not found|is not (?:defined|valid|a valid)|no \w+ match\b|required|invalid|refused"
    r"|timed out)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    rf"^\W{{0,4}}(?:{_SIGN})?(?:\w+\s)?(?:Error|ERROR|error)\s*(?::|-{{3,}})\s*$"
    r"|Unable to compile TypeScript:$|\b(?:failed|invalid):$"
)
_NPM = re.compile(r"^npm (?:ERR!|error)(?:\s|$)")
_NPM_ABOUT = re.compile(
    r"^(?:code|syscall|path|errno|cwd|command|signal|enoent This is related|A complete log)\b"
    r"|^\S+@\S+ [\w:-]+: |^$"
)
_COMMAND = re.compile(r"^\s*::(?P<name>[A-Za-z-]+)(?: [^:]*)?::(?P<data>.*)$")
_NOT_A_PREFIX = re.compile(
    rf"^\W{{0,4}}(?:{_SIGN})?(?:[\w ]{{1,60}} failed: |Error: |Building Assets Failed: )*"
)


def telling_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines that tell why, most telling first, without time stamps; empty where none does.

    `lines` are plain text (no escape sequences) in the order in which they were printed. At most TELLING_MAX
    are told, LINE_MAX characters each.
    """
    found: list[tuple[Weight, int, str]] = []
    heading = -_FOLLOWS_MAX - 1
    in_npm = False
    for number, line in enumerate(lines):
        text = _text_of(line)
        if _NPM.match(text):
            # npm says what went wrong first, then whom to ask, how to call it and where its log is.
            own = _NPM.sub("", text).strip()
            if not (in_npm or _NPM_ABOUT.search(own)):
                in_npm = True
                found.append((_weight(own, own) or Weight.ERROR, number, text))
            elif _DIAGNOSIS.search(own):
                found.append((Weight.DIAGNOSIS, number, text))
            continue
        in_npm = in_npm and not text
        if _HEADING.search(text):
            heading = number
            continue
        weight = _weight(line[:_SEARCHED], text)
        if text and weight is None and number - heading <= _FOLLOWS_MAX and not _NOISE.match(line):
            weight = Weight.ERROR
        if not text:
            continue
        if weight is not None:
            found.append((weight, number, text))
        if number - heading <= _FOLLOWS_MAX:
            heading = -_FOLLOWS_MAX - 1
    return _chosen(found)


def last_words(lines: Sequence[str]) -> str:
    """The last line that says anything; empty where none does."""
    said = (_text_of(line) for line in reversed(lines) if not _NOISE.match(line))
    return _cut(next((text for text in said if text), ""))


def _text_of(line: str) -> str:
    """Without a time stamp; of a workflow command the message of an error, else nothing."""
    command = _COMMAND.match(line[:_SEARCHED])
    if command is None:
        return _STAMP.sub("", line[:_SEARCHED]).strip()
    data = command["data"].replace("%0A", " ").replace("%0D", " ").replace("%25", "%")
    return f"Error: {data.strip()}" if command["name"].lower() == "error" else ""


def _weight(line: str, text: str) -> Weight | None:
    if _NOISE.match(text) or _NOISE.match(line):
        return None
    if _WRAPPER.search(text):
        return Weight.WRAPPER
    if _DIAGNOSIS.search(text):
        return Weight.DIAGNOSIS
    if _ERROR.search(text):
        return Weight.ERROR
    return Weight.HINT if _HINT.search(text) else None


def _chosen(found: list[tuple[Weight, int, str]]) -> tuple[str, ...]:
    """The best weight's lines: of diagnoses the first, of errors the last (a tool ends with its own)."""
    if not found:
        return ()
    best = min(weight for weight, _, _ in found)
    same = [(number, text) for weight, number, text in found if weight is best]
    if best is not Weight.DIAGNOSIS:
        same.reverse()
    unique: dict[str, str] = {}
    for _, text in same:
        unique.setdefault(_NOT_A_PREFIX.sub("", text)[:120], text)
    return tuple(_cut(text) for text in [*unique.values()][:TELLING_MAX])


def _cut(text: str) -> str:
    return text if len(text) <= LINE_MAX else text[: LINE_MAX - 1] + "…"
