"""What is said of a workflow's `concurrency:`, from the text of its file to the findings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from deploy_action.github.concurrency import (
    CANCELS,
    DROPS,
    MAY_CANCEL,
    NEWEST_SEES_NOBODY,
    NO_GROUP,
    NO_GROUP_NEWEST,
    Group,
    WorkflowFile,
    findings,
    workflow_file,
)
from deploy_action.github.workflow_file import BYTES_MAX, parse_workflow, read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy_action.github.concurrency import Finding

STEPS = "\n    runs-on: x\n    steps: [{run: a}]\n"
PLAIN = f"on: push\njobs:\n  deploy:{STEPS}"
GOOD = "{group: prod, queue: max}"


def of_workflow(concurrency: str) -> str:
    return f"concurrency: {concurrency}\n{PLAIN}"


def of_job(concurrency: str, *, job: str = "deploy") -> str:
    return f"{PLAIN}  {job}:\n    concurrency: {concurrency}{STEPS}"


def found(text: str, *, groups: tuple[str, ...] | None = None, job: str = "deploy") -> tuple[Finding, ...]:
    return findings(groups, workflow_file(parse_workflow(text), job))


@pytest.mark.parametrize("place", [of_workflow, of_job])
@pytest.mark.parametrize(
    ("concurrency", "expected"),
    [
        (GOOD, ()),
        ("{group: prod, queue: max, cancel-in-progress: false}", ()),
        ("{group: prod, queue: max, cancel-in-progress: }", ()),
        ("{group: prod, queue: '${{ vars.QUEUE }}'}", ()),
        ("prod", (DROPS,)),
        ("'${{ github.ref }}'", (DROPS,)),
        ("{group: prod}", (DROPS,)),
        ("{group: prod, queue: single}", (DROPS,)),
        ("{group: prod, cancel-in-progress: true}", (CANCELS,)),
        ("{group: prod, cancel-in-progress: True}", (CANCELS,)),
        ("{group: prod, cancel-in-progress: \"${{ github.ref != 'x' }}\"}", (MAY_CANCEL,)),
    ],
)
def test_a_group(place: object, concurrency: str, expected: tuple[Finding, ...]) -> None:
    assert callable(place)
    assert found(place(concurrency)) == expected
    assert found(place(concurrency), groups=("prod",)) == expected


def test_both_levels_count_and_each_thing_is_said_once() -> None:
    both = f"concurrency: {{group: a, cancel-in-progress: true}}\n{of_job('b')}"
    assert found(both) == (CANCELS, DROPS)
    assert found(f"concurrency: a\n{of_job('b')}") == (DROPS,)
    assert found(f"concurrency: {GOOD}\n{of_job(GOOD)}") == ()


def test_another_jobs_group_is_not_ours() -> None:
    text = of_job("{group: x, cancel-in-progress: true}", job="lint")
    assert found(text) == (NO_GROUP,)
    assert found(text, groups=("x",)) == ()


def test_no_group_at_all() -> None:
    assert found(PLAIN) == (NO_GROUP,)
    assert findings((), None) == (NO_GROUP,)


def test_where_too_little_is_known_nothing_is_said() -> None:
    assert findings(None, None) == ()
    assert findings(("prod",), None) == ()
    assert findings(None, WorkflowFile((), complete=False)) == ()


@pytest.mark.parametrize("job", ["called", "elsewhere", ""])
def test_of_a_job_in_a_reusable_workflow_only_the_callers_own_group_is_known(job: str) -> None:
    calls = f"{PLAIN}  called:\n    uses: ./.github/workflows/x.yml\n    concurrency: y\n"
    assert found(calls, job=job) == ()
    assert found(f"concurrency: {{group: a, cancel-in-progress: true}}\n{calls}", job=job) == (CANCELS,)
    assert workflow_file(parse_workflow(calls), job) == WorkflowFile((), complete=False)


@pytest.mark.parametrize(
    "concurrency",
    ["[a]", "{}", "''", "", "{group: }", "{queue: max}", "{group: a, queue: [max]}", "{? [x] : y}"],
)
def test_a_shape_that_github_would_not_take_is_not_known(concurrency: str) -> None:
    assert found(of_workflow(concurrency)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "- a",
        "jobs: [deploy]",
        "jobs: deploy",
        "jobs:\n  deploy: x",
        "{}",
        "%",
        "jobs: &a [*a]",
        "? [a]\n: b",
        "a: !!python/object/apply:os.getcwd []",
        "\x00",
        "--- a\n--- b",
        "*a",
    ],
)
def test_what_is_no_workflow_is_not_known(text: str) -> None:
    assert found(text) == ()


def nested_aliases(line: str) -> str:
    return "a0: &a0 {x: y}\n" + "".join(
        f"a{n}: &a{n} " + line.replace("ALIASES", ", ".join([f"*a{n - 1}"] * 9)) + "\n" for n in range(1, 40)
    )


@pytest.mark.parametrize(
    "text",
    [
        "[" * BYTES_MAX,
        "{" * BYTES_MAX,
        "- " * (BYTES_MAX // 2),
        "{a: " * (BYTES_MAX // 4),
        "? " * (BYTES_MAX // 2),
        nested_aliases("[ALIASES]"),
        nested_aliases("{<<: [ALIASES]}"),
        "x" * 1_000_000,
        PLAIN + "# more\n" * 200_000,
    ],
    ids=lambda text: text[:12].strip(),
)
def test_hostile_yaml_neither_crashes_nor_hangs(text: str) -> None:
    started = time.process_time()
    assert found(text) == ()
    assert time.process_time() - started < 10


def test_aliases_of_a_group_are_followed() -> None:
    text = f"x: &x {{group: a, cancel-in-progress: true}}\n{of_job('*x')}"
    assert found(text) == (CANCELS,)
    assert workflow_file(parse_workflow(text), "deploy") == WorkflowFile(
        (Group(cancels=True),), complete=True
    )


def test_every_finding_names_a_remedy() -> None:
    for finding in (NO_GROUP, DROPS):
        assert "`queue: max`" in finding.text
    assert "`cancel-in-progress: false`" in CANCELS.text
    assert "Make sure" in MAY_CANCEL.text
    assert [f.warning for f in (NO_GROUP, CANCELS, MAY_CANCEL, DROPS)] == [True, True, False, False]


def test_the_file_in_the_workspace(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    assert read_workflow(path) is None
    path.write_bytes("name: ö".encode("utf-8-sig"))
    assert read_workflow(path) == "name: ö"
    path.write_bytes(b"\xff\xfe")
    assert read_workflow(path) is None
    path.write_bytes(b"x" * (BYTES_MAX + 1))
    assert read_workflow(path) is None
    assert read_workflow(tmp_path) is None


def test_who_never_waits_holds_no_runner() -> None:
    assert findings((), None, waits=False) == ()


def test_who_wants_only_the_newest_wants_older_ones_dropped() -> None:
    file = WorkflowFile((Group(),), complete=True)
    assert findings(None, file) == (DROPS,)
    assert findings(None, file, newest=True) == ()


class TestTheNewestOnly:
    """`queue-policy: newest` works in the lock's queue, which a group that keeps all runs leaves empty."""

    @pytest.mark.parametrize("place", [of_workflow, of_job])
    def test_a_group_that_keeps_all_is_warned_of(self, place: Callable[[str], str]) -> None:
        file = workflow_file(parse_workflow(place(GOOD)), "deploy")
        assert findings(("prod",), file, newest=True) == (NEWEST_SEES_NOBODY,)
        assert findings(("prod",), file) == ()

    def test_no_advice_leads_there(self) -> None:
        nothing = workflow_file(parse_workflow(PLAIN), "deploy")
        single = workflow_file(parse_workflow(of_job("{group: prod}")), "deploy")
        assert findings((), nothing, newest=True) == (NO_GROUP_NEWEST,)
        assert findings(("prod",), single, newest=True) == ()
        cancels = workflow_file(parse_workflow(of_job("{group: prod, cancel-in-progress: true}")), "deploy")
        told = [*findings((), nothing, newest=True), *findings(("prod",), cancels, newest=True)]
        assert not any("`queue: max`" in finding.text for finding in told)
