"""Lines of the job log, as people see them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.operation import Activity, Operation
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.escape import plain
from deploy_action.common.instants import CloudFormationTime
from deploy_action.diagnosis.causes import Cause, causes_of
from deploy_action.estimation.forecast import NoForecast
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.locking.document import Freeze, Ticket
from deploy_action.locking.transitions import Waiting
from deploy_action.reporting.log.lines import LogStyle, cause_annotation, error_annotation, warning_annotation
from tests.cloudformation.story import DATABASE, ROOT, nested, resource, stack
from tests.common.test_escape import hostile, shown
from tests.reporting.readers import decoded_command, runner_commands, runner_lines

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent

PLAIN = LogStyle(color=False)
AT = 1_790_000_000.0


def lines(*events: StackEvent, style: LogStyle = PLAIN) -> list[str]:
    operation = Operation()
    return [style.event(event, operation.apply(event), operation) for event in events]


def test_events_read_as_a_story() -> None:
    found = lines(
        stack(AT, "CREATE_IN_PROGRESS", "User Initiated"),
        resource(AT + 1, "Bucket", "CREATE_IN_PROGRESS", type_="X::Bucket"),
        resource(AT + 2, "Bucket", "CREATE_IN_PROGRESS", "Resource creation Initiated", type_="X::Bucket"),
        resource(
            AT + 20,
            "Bucket",
            "CREATE_IN_PROGRESS",
            type_="X::Bucket",
            detailed="CONFIGURATION_COMPLETE",
        ),
        resource(AT + 72, "Bucket", "CREATE_COMPLETE", type_="X::Bucket"),
        nested(AT + 73, "Database", "CREATE_IN_PROGRESS"),
        stack(AT + 74, "CREATE_IN_PROGRESS", "User Initiated", of=DATABASE),
        resource(AT + 75, "Instance", "CREATE_FAILED", "no room", of=DATABASE, type_="X::Instance"),
        stack(AT + 3700, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Database]. "),
        resource(AT + 3701, "Bucket", "DELETE_SKIPPED", type_="X::Bucket"),
        stack(AT + 3702, "ROLLBACK_COMPLETE"),
    )
    assert [re.sub(" {2,}", "  ", line) for line in "\n".join(found).split("\n")] == [
        "14:13:20  +0s  ◦ CREATE_IN_PROGRESS  shop",
        "14:13:21  +1s  ◦ CREATE_IN_PROGRESS  Bucket  X::Bucket",
        "14:13:22  +2s  ◦ CREATE_IN_PROGRESS  Bucket  X::Bucket  resource creation initiated",
        "14:13:40  +20s  ◦ CREATE_IN_PROGRESS  Bucket  X::Bucket  configuration complete",
        "14:14:32  +1m12s  ✓ CREATE_COMPLETE  Bucket  X::Bucket  1m11s",
        "14:14:33  +1m13s  ◦ CREATE_IN_PROGRESS  Database  AWS::CloudFormation::Stack",
        "14:14:34  +1m14s  ◦ CREATE_IN_PROGRESS  Database  AWS::CloudFormation::Stack",
        "14:14:35  +1m15s  ✗ CREATE_FAILED  Database/Instance  X::Instance  0s",
        "  └ no room",
        "15:15:00  +1h01m  ◦ ROLLBACK_IN_PROGRESS  shop",
        "  └ The following resource(s) failed to create: [Database].",
        "15:15:01  +1h01m  – DELETE_SKIPPED  Bucket  X::Bucket  0s",
        "15:15:02  +1h01m  ✓ ROLLBACK_COMPLETE  shop",
    ]


def test_lines_stand_in_columns() -> None:
    found = lines(
        stack(AT, "CREATE_IN_PROGRESS"), resource(AT + 72, "Bucket", "CREATE_FAILED", "no room", type_="X::Y")
    )
    assert (
        "\n".join(found)
        == """\
14:13:20      +0s  ◦ CREATE_IN_PROGRESS    shop
14:14:32   +1m12s  ✗ CREATE_FAILED         Bucket                            X::Y  0s
                   └ no room"""
    )


def test_colours_are_added_without_changing_a_word() -> None:
    events = (
        stack(AT, "UPDATE_IN_PROGRESS"),
        resource(AT + 1, "Queue", "UPDATE_FAILED", "no"),
        stack(AT + 2, "UPDATE_ROLLBACK_COMPLETE"),
    )
    colored = "\n".join(lines(*events, style=LogStyle()))
    assert "\x1b[31m✗ UPDATE_FAILED" in colored
    assert "\x1b[33m✓ UPDATE_ROLLBACK_COMPLETE" in colored, "an end that is no success is not green"
    assert re.sub(r"\x1b\[\d+m", "", colored).split() == "\n".join(lines(*events)).split()
    assert colored.count("\x1b[0m") * 2 == colored.count("\x1b["), "each colour is ended"


class Known(NoForecast):
    """The same of everything."""

    planned = 14

    def usual(self, activity: Activity, label: str) -> Usual:
        return Usual(340.0, 400.0, 492.0, 5, Basis.RESOURCE)

    def remaining(self, operation: Operation, *, now: float) -> Estimate:
        return Estimate(180.0, 240.0, 360.0, "five deployments")


class TestWhatIsUsual:
    def told(self, status: str, done: tuple[int, int] | None = None) -> str:
        operation = Operation()
        operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
        operation.apply(resource(AT, "Database", "CREATE_IN_PROGRESS", type_="X::Y"))
        event = resource(AT + 370, "Database", status, type_="X::Y")
        line = PLAIN.event(event, operation.apply(event), operation, forecast=Known(), done=done)
        return re.sub(" {2,}", "  ", line)

    def test_a_completion_has_its_duration_beside_the_usual_one(self) -> None:
        assert self.told("CREATE_COMPLETE", (12, 14)) == (
            "14:19:30  +6m10s  ✓ CREATE_COMPLETE  Database  X::Y  6m10s, usually 5m40s to 8m12s  [12/14]"
        )

    def test_a_failure_has_its_duration_only(self) -> None:
        assert self.told("CREATE_FAILED") == "14:19:30  +6m10s  ✗ CREATE_FAILED  Database  X::Y  6m10s"


class TestLongReasons:
    @pytest.mark.parametrize("color", [True, False])
    @pytest.mark.parametrize("sign", ["x", "##[error]", "::error::x ", "word ", "日本 "])
    def test_no_line_is_cut_by_the_live_log_and_nothing_is_lost(self, sign: str, color: bool) -> None:
        reason = (sign * 4000)[:4000].strip()
        told = lines(resource(AT, "A", "CREATE_FAILED", reason), style=LogStyle(color=color))[0]
        first, *further = told.split("\n")
        assert len(further) >= 4
        assert all(len(line) <= 1000 for line in (first, *further))
        further = [re.sub(r"\x1b\[\d*m", "", line) for line in further]
        assert all(line.startswith(" " * 19 + "└ ") for line in further)
        assert shown("".join(line[21:] for line in further)) == shown(reason)

    def test_a_flood_ends_with_a_sign(self) -> None:
        told = lines(resource(AT, "A", "CREATE_FAILED", "x" * 100_000))[0]
        assert told.endswith("…")
        assert told.count("x") == 3999


class TestHeartbeat:
    def test_it_names_what_runs_longest_and_counts_the_rest(self) -> None:
        operation = Operation()
        operation.apply(stack(AT, "UPDATE_IN_PROGRESS"))
        for number, (name, verb) in enumerate(
            [("A", "CREATE"), ("B", "UPDATE"), ("C", "DELETE"), ("D", "CREATE"), ("E", "CREATE")]
        ):
            operation.apply(resource(AT + number, name, f"{verb}_IN_PROGRESS"))
        operation.apply(resource(AT + 9, "E", "CREATE_COMPLETE"))
        assert PLAIN.heartbeat(operation, 300.0, now=CloudFormationTime(AT + 300)) == (
            "14:18:20   +5m00s  … still creating A, 5m00s; updating B, 4m59s; deleting C, 4m58s; "
            "and 1 more; 1 done"
        )

    def test_it_says_what_is_usual_and_how_much_is_left(self) -> None:
        operation = Operation()
        operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
        operation.apply(resource(AT, "Database", "CREATE_IN_PROGRESS"))
        assert PLAIN.heartbeat(
            operation, 370.0, now=CloudFormationTime(AT + 370), forecast=Known(), done=(12, 14)
        ) == (
            "14:19:30   +6m10s  … still creating Database, 6m10s, usually 5m40s to 8m12s; 12 of 14 done; "
            "about 4m left (3m to 6m)"
        )

    def test_a_time_left_that_rises_says_why(self) -> None:
        operation = Operation()
        operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
        operation.apply(resource(AT, "Database", "CREATE_IN_PROGRESS"))
        assert PLAIN.heartbeat(operation, 540.0, now=CloudFormationTime(AT + 540), forecast=Known()).endswith(
            "about 4m left (3m to 6m), more while Database takes longer than usual"
        )

    def test_a_rollback_counts_nothing_as_done(self) -> None:
        operation = Operation()
        operation.apply(stack(AT, "CREATE_IN_PROGRESS"))
        operation.apply(resource(AT, "A", "CREATE_COMPLETE"))
        operation.apply(stack(AT + 1, "ROLLBACK_IN_PROGRESS"))
        operation.apply(resource(AT + 1, "A", "DELETE_IN_PROGRESS"))
        assert PLAIN.heartbeat(operation, 61.0, now=CloudFormationTime(AT + 61), done=(1, 2)) == (
            "14:14:21   +1m01s  … still deleting A, 1m00s; rolling back"
        )
        later = CloudFormationTime(AT + 370)
        assert "usually" not in PLAIN.heartbeat(operation, 370.0, now=later, forecast=Known())

    def test_a_stack_at_rest_while_the_command_works_says_that_it_works(self) -> None:
        operation = Operation()
        operation.apply(stack(AT, "UPDATE_IN_PROGRESS"))
        operation.apply(stack(AT + 60, "UPDATE_COMPLETE"))
        now = CloudFormationTime(AT + 90)
        assert PLAIN.heartbeat(operation, 90.0, now=now, command_works=True) == (
            "14:14:50   +1m30s  … the command still works; no watched stack is in progress; 0 done"
        )
        assert "the command" not in PLAIN.heartbeat(operation, 90.0, now=now)

    def test_where_nothing_has_begun_it_says_so(self) -> None:
        found = PLAIN.heartbeat(Operation(), 0.0, now=CloudFormationTime(AT))
        assert found == "14:13:20      +0s  … nothing has begun on a watched stack yet"


def test_the_table_of_planned_changes() -> None:
    found = [
        PLAIN.change(Change("Add", "Bucket", "AWS::S3::Bucket")),
        PLAIN.change(Change("Modify", "Task", "AWS::ECS::TaskDefinition", replacement="True")),
        PLAIN.change(Change("Modify", "Service", "AWS::ECS::Service", replacement="Conditional")),
        PLAIN.change(Change("Remove", "Old", "AWS::SNS::Topic", replacement="False")),
        PLAIN.change(Change("Dynamic", "Any", "X")),
    ]
    assert (
        "\n".join(found)
        == """\
  + Add      Bucket                            AWS::S3::Bucket
  ~ Modify   Task                              AWS::ECS::TaskDefinition  replaced
  ~ Modify   Service                           AWS::ECS::Service  may be replaced
  - Remove   Old                               AWS::SNS::Topic
  ? Dynamic  Any                               X"""
    )


NOW = 1_800_000_000.0


LEFT = (350.0, -20.0)


class TestWaiting:
    HOLDER = Ticket(
        nonce="n",
        correlation_id="20260102-030405-abcdef",
        locks=("production",),
        epochs=(("production", 3),),
        held_since="2026-01-02T03:04:05Z",
        expected_end="2026-01-02T03:09:00Z",
        actor="ada",
        url="https://github.com/a/b/actions/runs/1",
    )

    def test_the_holder_is_named_with_what_is_expected_of_it(self) -> None:
        assert PLAIN.waiting(Waiting((self.HOLDER,), 75.0, 3600.0), now=NOW) == (
            "08:00:00  Waiting for the lock, position 2 in the queue: deployment 20260102-030405-abcdef by "
            "ada holds the lock since 2026-01-02T03:04:05Z (https://github.com/a/b/actions/runs/1), expected "
            "to end about 03:09 UTC; waited 1m15s of 1h00m."
        )
        told = {
            left: PLAIN.waiting(Waiting((self.HOLDER,), 0.0, left_seconds=left), now=NOW) for left in LEFT
        }
        assert ", expected to end in 6m at most;" in told[350.0]
        assert ", overdue by 20s;" in told[-20.0]

    def test_one_that_is_only_next_is_told_as_such(self) -> None:
        first = Ticket(nonce="n", correlation_id="20260102-030405-abcdef", locks=("production",))
        assert PLAIN.waiting(Waiting((first, self.HOLDER), 0.0, 60.0), now=NOW) == (
            "08:00:00  Waiting for the lock, position 3 in the queue: deployment 20260102-030405-abcdef is "
            "next, then 20260102-030405-abcdef by ada; waited 0s of 1m00s."
        )

    def test_of_a_long_queue_the_first_few_are_named(self) -> None:
        others = tuple(Ticket(nonce=name, correlation_id=name, locks=("p",)) for name in "bcdefg")
        found = PLAIN.waiting(Waiting((self.HOLDER, *others), 0.0), now=NOW)
        assert "then b, c, d and 3 more" in found
        assert "position 8" in found

    def test_a_freeze_is_told_with_its_reason_and_end(self) -> None:
        freeze = Freeze("grace", "month end", "2026-01-01T00:00:00Z", "2026-01-02T08:00:00Z")
        assert PLAIN.waiting(Waiting((), 60.0, 90.0, freeze), now=NOW) == (
            "08:00:00  Waiting for the lock, position 1 in the queue: it is frozen by grace until "
            '2026-01-02T08:00:00Z ("month end"); waited 1m00s of 1m30s.'
        )
        endless = replace(freeze, until="")
        assert "until somebody lifts it" in PLAIN.waiting(Waiting((), 60.0, 90.0, endless), now=NOW)

    def test_a_registry_that_is_silent_is_no_news(self) -> None:
        told = PLAIN.waiting(Waiting((self.HOLDER,), 60.0, 90.0, away_seconds=80.0), now=NOW)
        assert "the registry has not answered for 1m20s, so that may be past" in told

    @settings(max_examples=50, deadline=None)
    @given(hostile, st.sampled_from([1, 1, 300]))
    def test_what_the_registry_says_is_data_from_outside(self, text: str, times: int) -> None:
        text *= times
        holder = replace(
            self.HOLDER, correlation_id=text, actor=text, url=text, held_since=text, expected_end=text
        )
        freeze = Freeze(text, text, text, text)
        told = PLAIN.waiting(Waiting((holder, holder), 1.0, 2.0, freeze, (text,)), now=NOW)
        assert len(told) <= 1000
        assert told.endswith("; waited 1s of 2s.")
        assert runner_commands(told) == []


class TestAnnotations:
    CAUSE = Cause(ROOT, "eu-west-1", "Instance", "AWS::RDS::DBInstance", "CREATE_FAILED", "100 %\nfull", 0.0)

    def test_a_cause_has_its_place_and_its_words(self) -> None:
        name, properties, data = decoded_command(
            cause_annotation(replace(self.CAUSE, label="Database/Instance"))
        )
        assert name == "error"
        assert properties == {"title": "Database/Instance (AWS::RDS::DBInstance)"}
        assert data == "100 %\nfull"

    def test_a_cause_says_what_to_do_next_and_long_words_do_not_push_that_out(self) -> None:
        reason = f"User: me is not authorized to perform: s3:##[error]x {'x' * 5000}"
        _, _, data = decoded_command(cause_annotation(replace(self.CAUSE, reason=reason)))
        assert "What to do next: Allow s3: for me," in data
        assert len(data) < 4096

    def test_a_cause_told_of_a_stack_has_no_type(self) -> None:
        found = decoded_command(cause_annotation(replace(self.CAUSE, resource_type=STACK_TYPE)))
        assert found[1] == {"title": "Instance"}

    def test_errors_and_warnings(self) -> None:
        assert error_annotation("a", "b") == "::error title=a::b"
        assert warning_annotation("a:b", "c\nd") == "::warning title=a%3Ab::c%0Ad"


@settings(max_examples=150, deadline=None)
@example("\r::error::x", "##[Set-Env name=PATH]x", "\u202e::x::", "<!channel> \x1b[2J\0 ##[x]", True, 4000)
@given(hostile, hostile, hostile, hostile, st.booleans(), st.sampled_from([1, 1, 1, 300]))
def test_no_line_about_hostile_names_and_reasons_holds_a_command(  # noqa: PLR0917 - so many are hostile
    name: str, type_: str, status: str, reason: str, color: bool, times: int
) -> None:
    name, type_, status, reason = name * times, type_ * times, status * times, reason * times
    style = LogStyle(color=color)
    operation = Operation()
    events = [
        stack(AT, "CREATE_IN_PROGRESS", reason),
        nested(AT, name, "CREATE_IN_PROGRESS"),
        resource(AT, name, "CREATE_IN_PROGRESS", reason, type_=type_, detailed=status),
        resource(AT, name, "CREATE_FAILED", reason, type_=type_, of=DATABASE),
        resource(AT, name, status, reason, type_=type_),
        stack(AT, status, reason),
    ]
    told = [
        style.event(event, operation.apply(event), operation, forecast=Known(), done=(12, 14))
        for event in events
    ]
    if times == 1:
        assert shown(plain(reason)) in shown(re.sub(r"\n +└ ", "", re.sub(r"\x1b\[\d*m", "", told[3])))
    told.append(
        style.heartbeat(operation, 5.0, now=CloudFormationTime(AT + 5), forecast=Known(), done=(12, 14))
    )
    assert all(len(line) <= 1000 for text in told for line in runner_lines(text))
    told.append(style.change(Change(name, name, type_, replacement=reason)))
    assert runner_commands("\n".join(told)) == []
    for cause in causes_of(operation):
        assert runner_commands(cause_annotation(cause)) == ["error"]


def test_a_hook_that_forbids_a_resource_is_seen_although_it_is_still_in_progress() -> None:
    hook: dict[str, Any] = {
        "hook_type": "Org::Guard::Hook",
        "hook_reason": "buckets must be ##[error]encrypted",
    }
    told = lines(
        stack(AT, "CREATE_IN_PROGRESS"),
        replace(
            resource(AT + 1, "Bucket", "CREATE_IN_PROGRESS", type_="X::Bucket"),
            hook_status="HOOK_COMPLETE_FAILED",
            hook_failure_mode="FAIL",
            **hook,
        ),
        replace(
            resource(AT + 2, "Bucket", "CREATE_IN_PROGRESS", type_="X::Bucket"),
            hook_status="HOOK_COMPLETE_FAILED",
            hook_failure_mode="WARN",
            **hook,
        ),
    )
    assert "✗ CREATE_IN_PROGRESS" in told[1]
    assert "hook Org::Guard::Hook: hook complete failed" in told[1]
    assert told[1].splitlines()[1].strip().startswith("└ buckets must be ")
    assert "##[" not in told[1]
    assert "✗" not in told[2]
