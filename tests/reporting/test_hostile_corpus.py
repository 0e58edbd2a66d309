"""Hostile strings through every place that shows text: nothing is executed, nothing gets out of its place,
and what was said can be read. A thousand with each change, 10,000 others each night.

One table of places. A module of the renderers of which nobody says where its texts are tried fails the last
test, so that a new place cannot be forgotten.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import random
import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import deploy_action
from deploy_action.cleanup import text as cleanup
from deploy_action.cleanup.plan import CleanupStep, Deed
from deploy_action.cli import app
from deploy_action.cli.text import history as past
from deploy_action.cli.text import tables
from deploy_action.cli.text.page import readable
from deploy_action.cloudformation.change_set import Change, ChangeSet, PropertyChange
from deploy_action.cloudformation.change_set_tree import PlannedStack
from deploy_action.common import escape
from deploy_action.common.instants import CloudFormationTime, WallTime
from deploy_action.dashboard import page as dashboard
from deploy_action.dashboard.page_data import script_json
from deploy_action.dashboard.timeline import timeline_of
from deploy_action.diagnosis.causes import Cause
from deploy_action.errors import DeploymentFailed
from deploy_action.github.command_outputs import CommandOutputs
from deploy_action.github.runner_files import JobLog, RunnerFiles
from deploy_action.job.job_log import JobLogReporter
from deploy_action.locking.document import Freeze, Ticket
from deploy_action.locking.lock_state import LockState, ahead_as_json
from deploy_action.monitoring.stack_sets import StackSetInstance, StackSetLine, StackSetOperation
from deploy_action.plan.data_guard import AtRisk, Guarded
from deploy_action.plan.planned import Plan
from deploy_action.reporting import alerts
from deploy_action.reporting.log import lines as log
from deploy_action.reporting.outputs import outputs_of
from deploy_action.reporting.plan_page import plan_page
from deploy_action.reporting.remarks import remarks_on_success
from deploy_action.reporting.report import Links
from deploy_action.reporting.subject import subject
from deploy_action.reporting.summary.page import summary
from deploy_action.slack.messages import entry, parent, single
from deploy_action.slack.messages.digest import folded
from deploy_action.steps import ask
from tests.clock import VirtualClock
from tests.cloudformation.story import ROOT, resource, stack, told
from tests.common.test_escape import shown
from tests.fakes.runner import heredoc_outputs
from tests.fakes.slack.blockkit import addresses, called, message_problems, seen
from tests.pages import stories
from tests.reporting.hostile_places import (
    COMMANDS,
    WRITERS,
    no_commands,
    place_commands,
    place_commits,
    place_environments_page,
    writers,
)
from tests.reporting.readers import (
    GITHUB_ACTS,
    elements,
    html_of,
    prose_of,
    runner_command,
    runner_commands,
    runner_lines,
    slack_acts,
)
from tests.slack import storyboard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.slack.ports import Announcement
    from deploy_action.slack.view import DeploymentView

COUNT = int(os.environ.get("HOSTILE_STRINGS", "1000"))
SEED = int(os.environ.get("HOSTILE_SEED", "7"))
AT = 1_790_000_000.0
PIECES = [
    "::add-mask::x",
    "::stop-commands::t",
    "::set-output name=x::y",
    "##[set-output name=x]y",
    "##[add-path]/x",
    "###[group]",
    "\n::error::x",
    "\r::error::x",
    "\u2028::error::x",
    "%0A::error::x",
    "%25",
    "\x1b[31m",
    "\x1b]0;t",
    "\x1b]8;;http://x\x07",
    "\x1b[2J",
    "\x9b31m",
    "\x85",
    "\0",
    "\x07",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\t",
    "\n",
    "<script>alert(1)</script>",
    "<img src=x onerror=x>",
    "</details>",
    "</script>",
    "<!-- -->",
    "&lt;",
    "&#96;",
    "![x](https://evil.example)",
    "[x](javascript:x)",
    "[x]: https://evil.example",
    "https://evil.example",
    "www.x.y",
    "a@b.example",
    "@org/team",
    "#123",
    "GH-1",
    "org/repo#1",
    ":tada:",
    "`",
    "```",
    "~~~",
    "$`x`$",
    "$$",
    "|",
    "\\|",
    "# x",
    "- [ ] x",
    "1. x",
    "---",
    "> x",
    "<!channel>",
    "<@U123>",
    "<https://evil.example|x>",
    "*",
    "_",
    "~",
    "section x",
    "click x",
    "%%{init: {}}%%",
    ";",
    ",",
    "end_x",
    '"',
    "'",
    "{{data}}",
    "${{ secrets.X }}",
    "\u0000",
    "javascript:alert(1)",
    "data:text/html,x",
    "größe",
    "日本語",
    "🚀",
    "=cmd",
    "' OR 1=1",
    "../../x",
    "$(x)",
    "\\u0023",
]


def corpus() -> list[str]:
    chance = random.Random(SEED)
    alphabet = "abcXYZ019 .-/:;#%&<>@`*_~|[](){}\\\"'\n\t\x1b\0\u200b\u202eé"

    def one() -> str:
        parts = [
            chance.choice(PIECES)
            if chance.random() < 0.7
            else "".join(chance.choices(alphabet, k=chance.randint(1, 9)))
            for _ in range(chance.randint(1, 6))
        ]
        return "".join(parts)

    return [*PIECES, *(one() for _ in range(COUNT - len(PIECES)))]


STRINGS = corpus()


def poisoned(part: Any, texts: Sequence[str], kept: frozenset[str]) -> Any:
    """The same with a hostile text in place of each text of it; fields that are `kept` stay."""
    if isinstance(part, str):
        return random.Random(f"{part}{texts[0]}").choice(texts)
    if isinstance(part, tuple):
        return tuple(poisoned(one, texts, kept) for one in part)
    if isinstance(part, dict):
        return {poisoned(key, texts, kept): poisoned(value, texts, kept) for key, value in part.items()}
    if is_dataclass(part) and not isinstance(part, type):
        changed = {
            f.name: poisoned(getattr(part, f.name), texts, kept) for f in fields(part) if f.name not in kept
        }
        return replace(part, **changed)
    return part


def reads(text: str, where: str) -> None:
    """A short text must be readable in full where it stands."""
    if len(text) < 60:
        wanted = shown(escape.plain(text))
        assert all(char in where for char in wanted), f"{text!r} is not in {where!r}"


def harmless_page(page: str, *own: str) -> None:
    tags, text = elements(page)
    assert set(tags) <= {
        "h2",
        "h3",
        "p",
        "blockquote",
        "strong",
        "em",
        "code",
        "pre",
        "sub",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "a",
        "ul",
        "li",
        "br",
        "ol",
        *own,
    }, set(tags)
    for address in re.findall(r'href="([^"]*)"', html_of(page)):
        assert address.startswith(
            (
                "https://github.com/",
                "https://acme.slack.com/",
                "https://docs.aws.amazon.com/",
                "https://eu-west-1.console.aws.amazon.com/",
                "https://repost.aws/",
            )
        ), address
    acting = GITHUB_ACTS.search(prose_of(page))
    assert not acting, acting
    assert text


# The places. Each takes some strings and fails where one of them does harm or cannot be read.


def place_log_events(texts: Sequence[str]) -> None:
    for text in texts:
        operation = told(
            stack(AT, "CREATE_IN_PROGRESS"),
            resource(AT, text, "CREATE_FAILED", text, type_=text),
            resource(AT, "x", "CREATE_IN_PROGRESS", text),
        )
        stream = StringIO()
        reporter = JobLogReporter(JobLog(stream), VirtualClock(), log.LogStyle(color=False))
        events = (resource(AT, text, "CREATE_FAILED", text, type_=text),)
        for event in events:
            operation.apply(event)
        reporter.events(events, operation)
        reporter.quiet(operation, now=CloudFormationTime(AT + 60), unanswered_since=None)
        reporter.end_groups()
        reporter.line(text)
        lines = stream.getvalue().removesuffix("\n").split("\n")
        no_commands(lines, ["group", "endgroup"])
        reads(text, shown(stream.getvalue()))


def place_annotations(texts: Sequence[str]) -> None:
    for text in texts:
        cause = Cause(ROOT, "eu-west-1", text, text, "CREATE_FAILED", text, AT, label=text, root=text)
        lines = [
            log.cause_annotation(cause),
            log.error_annotation(text, text),
            log.warning_annotation(text, text),
        ]
        assert [runner_command(line) for line in lines] == ["error", "error", "warning"]
        assert all(len(runner_lines(line)) == 1 for line in lines)
        stream = StringIO()
        JobLogReporter(JobLog(stream), VirtualClock(), log.LogStyle(color=False)).error(
            DeploymentFailed(text, why=text)
        )
        assert [runner_command(line) for line in runner_lines(stream.getvalue().strip("\n"))] == ["error"]
        no_commands([alerts.warned(cause)])
        kept = told(
            stack(AT, "UPDATE_IN_PROGRESS"),
            stack(AT + 1, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            resource(AT + 2, text, "DELETE_IN_PROGRESS", type_=text),
            resource(AT + 3, text, "DELETE_FAILED", text, type_=text),
            stack(AT + 4, "UPDATE_COMPLETE"),
        )
        (remark,) = remarks_on_success(kept)
        no_commands([remark])


def place_outputs(texts: Sequence[str], folder: Path) -> None:
    path = folder / "output"
    path.write_bytes(b"")
    files = RunnerFiles({"GITHUB_OUTPUT": str(path)})
    report = replace(stories.failed(), outputs={f"O{number}": text for number, text in enumerate(texts)})
    given = outputs_of(poisoned(report, texts, frozenset({"outputs", "links"})))
    files.set_outputs(given)
    assert set(heredoc_outputs(path.read_text("utf-8"))) == set(given)
    assert json.loads(given["stack-outputs"]) == report.outputs
    assert runner_commands(given["stack-outputs"]) == []
    assert runner_commands(given["root-cause"]) == []
    ahead = tuple(
        Ticket(f"n{number}", text, (text,), (text,), actor=text, url=text, repository=text, workflow=text)
        for number, text in enumerate(texts)
    )
    freeze = Freeze(by=texts[0], reason=texts[-1], since=texts[0], until=texts[-1])
    no_commands([ask.sentence("production", LockState(ahead, freeze, ""))])
    listed = escape.machine_json(ahead_as_json(ahead))
    assert [one["correlation_id"] for one in json.loads(listed)] == list(texts)
    own, _ = CommandOutputs(dict(zip(texts, texts, strict=True))).as_json()
    assert set(json.loads(own)) == set(texts)
    for text in (listed, own):
        assert text.isascii()
        assert runner_commands(text) == []


STACK_SET = StackSetLine(
    "eu-west-1",
    "baseline",
    StackSetOperation("id", "CREATE", "FAILED", 0.0, "why"),
    (StackSetInstance("111122223333", "us-east-1", "FAILED", "why"),),
)


def place_summary(texts: Sequence[str]) -> None:
    kept = frozenset({"links", "region"})
    for name in ("failed", "several", "unknown"):
        report = poisoned(replace(stories.STORIES[name](), stack_sets=(STACK_SET,)), texts, kept)
        page = summary(replace(report, notes=tuple(texts)), now=WallTime(stories.NOON + 700))
        harmless_page(re.sub(r"```mermaid.*?```", "", page, flags=re.DOTALL))
        charts = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)
        for line in [line for chart in charts for line in chart.splitlines()[8:]]:
            assert re.fullmatch(r"    (section|[-+~=·↩]) [\w .,()/+=@…-]+(:[a-z, ]*[\d :,-]+)?", line), line


def place_plan(texts: Sequence[str]) -> None:
    changes = tuple(
        Change(
            action,
            "Table",
            "AWS::DynamoDB::Table",
            physical_id="shop-table",
            replacement=replacement,
            properties=(PropertyChange("/Properties/KeySchema", "before", "after", cause="KeyName"),),
        )
        for action, replacement in (("Add", ""), ("Modify", "True"), ("Modify", "False"), ("Remove", ""))
    )
    made = ChangeSet("arn", "deploy", "id", "CREATE_COMPLETE", "AVAILABLE", changes=changes)
    risk = AtRisk("shop", "Table", "AWS::DynamoDB::Table", "items", "deleted")
    plan = Plan(
        (PlannedStack("eu-west-1", "shop", made),),
        new=("shop",),
        guarded=Guarded((risk,), (risk,), (risk,), ("Table",)),
        drift=("The stack has drifted.",),
        deploying=("ada deploys there.",),
    )
    kept = frozenset({"action", "replacement", "policy_action", "recreation", "arn", "region"})
    for refused in ("", "It was refused."):
        page = plan_page(
            poisoned(replace(plan, refused=refused), texts, kept),
            title=subject(texts[:2], texts[-1]),
            links=Links(),
            notes=texts,
        )
        harmless_page(page, "blockquote")


def messages(view: DeploymentView) -> list[Announcement]:
    entries = [entry(view.moment, view, now=WallTime(view.at), alone=alone) for alone in (False, True)]
    return [parent(view, now=WallTime(view.at)), single(view, now=WallTime(view.at)), *entries]


def place_slack(texts: Sequence[str]) -> None:
    kept = frozenset({"mentions", "links", "origin", "console", "source", "thread"})
    scenes = [*storyboard.good_story(), *storyboard.bad_story(), *storyboard.side_scenes()]
    for view in [scene.view for scene in scenes]:
        hostile = poisoned(view, texts, kept)
        for message, harmless in zip(messages(hostile), messages(view), strict=True):
            content = {"text": message.text, "blocks": list(message.blocks)}
            assert message_problems(content) == []
            assert slack_acts(message.text) == []
            assert called(content) == called({"text": harmless.text, "blocks": list(harmless.blocks)})
            assert "evil.example" not in str(addresses(content))
            assert seen(content)
    for text in texts[:5]:
        told_ = folded(((AT, escape.slack(text)),))
        assert message_problems({"text": told_.text, "blocks": list(told_.blocks)}) == []
        assert [found for line in told_.text.splitlines()[1:] for found in slack_acts(line)] == []


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)


def place_dashboard(texts: Sequence[str]) -> None:
    record = {
        name: texts[n % len(texts)] for n, name in enumerate(("correlation_id", "actor", "url", "root_cause"))
    }
    record |= {"environment": texts[0], "outcome": "failed", "released_at": "2026-11-01T10:00:00Z"}
    record |= {"requested_at": "2026-11-01T09:00:00Z", "stacks": list(texts[:3])}  # type: ignore[dict-item]
    plain = [
        {**record, **dict.fromkeys(("correlation_id", "actor", "url", "root_cause", "environment"), "x")}
    ]

    def tags(records: Any, words: str) -> list[str]:
        parser = _Scripts()
        parser.feed(
            dashboard.page(
                timeline_of(records, now=WallTime(AT)).entries,
                {},
                {},
                source=words,
                notices=[words],
                now=WallTime(AT),
            )
        )
        return parser.tags

    assert tags([record], texts[0]) == tags(plain, "x")
    assert json.loads(script_json(list(texts))) == list(texts)
    assert "<" not in script_json(list(texts))


def place_command_line(texts: Sequence[str]) -> None:
    for text in texts:
        record: dict[str, Any] = dict.fromkeys(
            ("correlation_id", "actor", "url", "root_cause", "environment"), text
        )
        record |= {"stacks": [text], "locks": [text], "outcome": text}
        no_commands(
            [
                *past.listing([record]),
                *past.whole(record),
                *tables.table(("A",), [(text,)]),
                *readable(text).splitlines(),
            ]
        )
        step = CleanupStep(Deed.DELETE_STACK, "eu-west-1", text, text, text, text, text)
        no_commands(cleanup.lines([step]))
        harmless_page(cleanup.section([step]))


def place_json(texts: Sequence[str]) -> None:
    for text in texts:
        for indent in (None, 2):
            printed = escape.machine_json(json.dumps({text: [text]}, indent=indent))
            assert json.loads(printed) == {text: [text]}
            assert runner_commands(printed) == []
            assert printed.isascii()
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", printed)


def place_masks(texts: Sequence[str]) -> None:
    for text in texts:
        stream = StringIO()
        JobLog(stream).mask(text)
        lines = stream.getvalue().splitlines()
        assert all(runner_command(line) == "add-mask" for line in runner_lines(stream.getvalue()) if line)
        assert all("%" not in re.sub(r"%25", "", line) for line in lines)


PLACES: dict[str, tuple[Callable[..., None], int]] = {
    "log, groups": (place_log_events, 1),
    "annotations": (place_annotations, 1),
    "outputs": (place_outputs, 40),
    "summary": (place_summary, 100),
    "plan": (place_plan, 40),
    "Slack": (place_slack, 200),
    "dashboard": (place_dashboard, 25),
    "command line": (place_command_line, 1),
    "commands": (place_commands, 1000),
    "commits": (place_commits, 500),
    "environments page": (place_environments_page, 100),
    "JSON": (place_json, 1),
    "masks": (place_masks, 1),
}
"""Each place, and how many of the strings go into it together."""


@pytest.mark.parametrize("name", PLACES)
def test_hostile_strings_do_nothing_and_are_read(name: str, tmp_path: Path) -> None:
    place, size = PLACES[name]
    more = (tmp_path,) if "folder" in inspect.signature(place).parameters else ()
    for start in range(0, COUNT, size):
        place(STRINGS[start : start + size], *more)


SHOWN_BY = {
    "cleanup.text": "command line",
    "cli.text.history": "command line, commands",
    "cli.text.page": "command line",
    "cli.text.tables": "command line, commands",
    "common.escape": "the rules themselves: test_escape",
    "common.links": "says which addresses may be opened",
    "dashboard.page": "dashboard",
    "dashboard.page_data": "dashboard",
    "preflight.text": "log and notes of the summary, by JobLogReporter",
    "reporting.alerts": "annotations",
    "reporting.headline": "summary, environments page",
    "reporting.log.groups": "in the log",
    "reporting.log.folding": "in the log; hands on what was rendered",
    "reporting.log.lines": "log, annotations",
    "reporting.log.progress": "no text from outside",
    "reporting.plan_page": "plan",
    "reporting.subject": "plan",
    "reporting.remarks": "annotations",
    "reporting.summary.causes": "summary",
    "reporting.summary.changes": "summary",
    "reporting.summary.gantt": "in the summary",
    "reporting.summary.page": "summary",
    "reporting.summary.stack_sets": "summary; its lines of the log by JobLogReporter",
    "reporting.summary.tables": "summary",
    "reporting.summary.times": "summary",
    "slack.messages": "Slack",
    "slack.messages.digest": "Slack",
}


RENDERERS = ("reporting", "reporting.log", "reporting.summary", "cli.text")
"""The folders in which every module makes text for people; `slack.messages` is tried as a whole."""
NO_TEXT = {
    "reporting.outcome_words",
    "reporting.report",
    "reporting.shared_causes",
    "reporting.comparison",
    "reporting.resource_activity",
    "reporting.outputs",
    "reporting.stack_outputs",
}


def test_no_renderer_is_forgotten() -> None:
    """Whoever adds a module that makes text says here where that is tried."""
    package = Path(deploy_action.__file__).parent
    found = {
        f"{folder}.{file.stem}"
        for folder in RENDERERS
        for file in package.joinpath(*folder.split(".")).glob("*.py")
        if file.stem != "__init__"
    }
    assert found - NO_TEXT <= set(SHOWN_BY)
    for name in SHOWN_BY:
        importlib.import_module(f"deploy_action.{name}")


def test_no_command_is_forgotten() -> None:
    assert set(COMMANDS) == set(app.COMMANDS)


def test_no_writer_is_forgotten() -> None:
    assert writers(Path(deploy_action.__file__).parent) == set(WRITERS)
