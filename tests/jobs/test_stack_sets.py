"""`stack-set`: operations on stack sets are watched and explained by account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.stage import Job, Stage

OWN, OTHER, THIRD = "123456789012", "111122223333", "444455556666"
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 30}}}}"
BETTER = GOOD.replace("Seconds: 30", "Seconds: 30, UpdateSeconds: 20").replace(
    "Metadata", "Properties: {DisplayName: new}, Metadata"
)
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "no topic here"}}}}'


def create(
    body: str, *places: str, tolerated: int = 0, regions: tuple[str, ...] = ("eu-west-1",), **who: str
) -> Callable[[Any], int]:
    """What `aws cloudformation create-stack-instances` does: it ends at once."""

    def command(cloudformation: Any) -> int:
        cloudformation.create_stack_set(StackSetName="baseline", TemplateBody=body, **who)
        cloudformation.create_stack_instances(
            StackSetName="baseline",
            Accounts=list(places),
            Regions=list(regions),
            OperationPreferences={"FailureToleranceCount": tolerated},
            **who,
        )
        return 0

    return command


def run(stage: Stage, command: Callable[[Any], int | None], name: str = "job", **inputs: str) -> Job:
    job = stage.job(name, **{"command": "x", "stack_name": "", "stack_set": "baseline", **inputs})
    assert job.run("pre") == 0, job.log
    job.launch_command(command)
    job.exit_code = job.run("main")  # type: ignore[attr-defined]
    job.run("post")
    return job


def code(job: Job) -> int:
    return int(job.exit_code)  # type: ignore[attr-defined]


def before(stage: Stage, body: str = GOOD) -> None:
    there = client(stage.server)
    create(body, OWN, OTHER)(there)
    there.close()
    stage.clock.sleep(600)


def test_an_operation_is_watched_to_its_end(stage: Stage) -> None:
    began = stage.clock.monotonic()
    job = run(stage, create(GOOD, OWN, OTHER, regions=("eu-west-1", "us-east-1")))
    assert code(job) == 0, job.log
    assert stage.clock.monotonic() - began > 60, "two regions, one after the other"
    assert job.outputs()["outcome"] == "succeeded"
    assert job.outputs()["deployed"] == "true"
    assert job.outputs()["stack-status"] == "SUCCEEDED"
    assert f"stack-set baseline {OTHER}/us-east-1 SUCCEEDED" in job.log
    assert "| `eu-west-1/baseline` | `CREATE` | `SUCCEEDED` | 4 SUCCEEDED |" in job.page


def test_the_failing_stack_is_read_where_it_can_be(stage: Stage) -> None:
    job = run(stage, create(BAD, OWN))
    assert code(job) == 1
    assert job.outputs()["outcome"] == "failed"
    assert job.outputs()["root-cause"] == (
        f"baseline in {OWN}/eu-west-1/Topic (AWS::SNS::Topic): no topic here"
    )
    assert job.outputs()["stack-status"] == "FAILED"
    assert "no topic here" in job.page


def test_in_another_account_the_operations_own_words_tell(stage: Stage) -> None:
    job = run(stage, create(BAD, OTHER))
    assert code(job) == 1
    assert job.outputs()["root-cause"].startswith(
        f"baseline in {OTHER}/eu-west-1/Topic (AWS::SNS::Topic): no"
    )


def test_what_was_given_up_for_a_failure_is_no_cause(stage: Stage) -> None:
    job = run(stage, create(BAD, OTHER, regions=("eu-west-1", "us-east-1")))
    assert code(job) == 1
    assert "us-east-1 CANCELLED" in job.log
    assert "us-east-1" not in job.outputs()["root-cause"]
    assert job.log.count("::error") == 2, "one cause, one verdict"


def test_a_failure_that_is_tolerated_is_success_and_told(stage: Stage) -> None:
    job = run(stage, create(BAD, OTHER, tolerated=1))
    assert code(job) == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "1 of 1 accounts and regions failed, which the operation tolerates" in job.log


def test_an_update_is_told_from_what_was_before(stage: Stage) -> None:
    before(stage)
    job = run(
        stage,
        lambda there: (
            0 if there.update_stack_set(StackSetName="baseline", TemplateBody=BETTER, Capabilities=[]) else 1
        ),
    )
    assert code(job) == 0, job.log
    assert "stack-set baseline UPDATE SUCCEEDED" in job.log
    assert "CREATE SUCCEEDED" not in job.log


def test_a_command_that_begins_no_operation_changed_nothing(stage: Stage) -> None:
    before(stage)
    job = run(stage, lambda _there: 0)
    assert code(job) == 0
    assert job.outputs()["outcome"] == "no-changes"


def test_detecting_drift_is_no_change(stage: Stage) -> None:
    before(stage)
    job = run(stage, lambda there: 0 if there.detect_stack_set_drift(StackSetName="baseline") else 1)
    assert job.outputs()["outcome"] == "no-changes"


def test_a_stack_beside_the_set_fails_the_step_too(stage: Stage) -> None:
    def both(there: Any) -> int:
        create(GOOD, OWN)(there)
        there.create_stack(StackName="shop", TemplateBody=BAD)
        return 0

    job = run(stage, both, stack_name="shop")
    assert code(job) == 1
    assert job.outputs()["stack-status"] == "shop=ROLLBACK_COMPLETE baseline=SUCCEEDED"


def test_a_pipeline_that_begins_the_operation_later_is_waited_for(stage: Stage) -> None:
    def later() -> None:
        there = client(stage.server)
        create(BAD, OTHER)(there)
        there.close()

    def start(_there: Any) -> int:
        stage.clock.at(stage.clock.elapsed + 60, later)
        return 0

    job = run(stage, start, expect_changes_within="2m")
    assert code(job) == 1
    job = run(stage, lambda _there: 0, "second", expect_changes_within="2m")
    assert code(job) == 7
    assert "No change began on eu-west-1/stack-set:baseline" in job.log


def test_an_operation_that_cannot_be_read_is_not_green(stage: Stage) -> None:
    def blind(there: Any) -> int:
        create(GOOD, OWN)(there)
        stage.server.faults.add("access_denied", operation="ListStackSetOperat*")
        return 0

    job = run(stage, blind)
    assert job.outputs()["outcome"] == "unknown", job.log
    assert job.outputs()["deployed"] == "false"


def test_a_delegated_administrator_is_asked_as_one(stage: Stage) -> None:
    job = run(stage, create(BAD, OTHER, CallAs="DELEGATED_ADMIN"))
    assert code(job) == 1
    assert "no topic" in job.outputs()["root-cause"]


def test_an_operation_that_somebody_stops_has_failed(stage: Stage) -> None:
    def stopped(there: Any) -> int:
        create(GOOD, OTHER, regions=("eu-west-1", "us-east-1"))(there)
        operation = there.list_stack_set_operations(StackSetName="baseline")["Summaries"][0]
        there.stop_stack_set_operation(StackSetName="baseline", OperationId=operation["OperationId"])
        return 0

    job = run(stage, stopped)
    assert code(job) == 1
    assert job.outputs()["stack-status"] == "STOPPED"


@pytest.mark.parametrize(("body", "exit_code"), [(GOOD, 0), (BAD, 1)])
def test_a_watch_follows_the_operation_in_progress(stage: Stage, body: str, exit_code: int) -> None:
    there = client(stage.server)
    create(body, OTHER)(there)
    there.close()
    job = stage.job(mode="watch", stack_name="", stack_set="baseline", environment="")
    assert job.run("pre") == 0, job.log
    assert job.run("main") == exit_code, job.log
    assert job.outputs()["outcome"] == ("succeeded" if exit_code == 0 else "failed")


def test_a_watch_of_a_set_at_rest_has_nothing_to_watch(stage: Stage) -> None:
    before(stage)
    job = stage.job(mode="watch", stack_name="", stack_set="baseline", environment="")
    job.run("pre")
    assert job.run("main") == 0
    assert "Nothing is in progress" in job.log


def test_a_restarted_watch_repeats_nothing(stage: Stage) -> None:
    job = stage.job(command="x", stack_name="", stack_set="baseline")
    job.run("pre")
    job.launch_command(lambda there: None if create(GOOD, OWN, OTHER)(there) == 0 else 1)

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    stage.clock.at(stage.clock.elapsed + 20, kill)
    with pytest.raises(Killed):
        job.run("main")
    stage.clock.sleep(100)
    job.end_command(0)
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    lines = [line for line in job.log.splitlines() if "stack-set baseline" in line]
    assert len(lines) == len(set(lines)), "\n".join(lines)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"stack_set": "shop-*"}, "`stack-set`"),
        ({"environment": ""}, "the lock needs a name"),
        ({"command": "", "template": "template.yaml"}, "`stack-set` is for"),
    ],
)
def test_what_cannot_be_watched_is_refused(stage: Stage, inputs: dict[str, str], word: str) -> None:
    stage.template(GOOD)
    job = stage.job(**{"command": "x", "stack_name": "", "stack_set": "baseline", **inputs})
    assert job.run("pre") == 3
    assert word in job.log


def test_the_checks_before_and_the_history_do_without_a_stack(stage: Stage) -> None:
    job = run(stage, create(GOOD, OWN), preflight="warn")
    assert code(job) == 0, job.log
    assert "defect" not in job.log
