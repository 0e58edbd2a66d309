"""A lock that is held over steps and over jobs: kept alive, used by deployments, and given back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.history import document as history
from deploy_action.inputs.settings import TOKENS_VARIABLE
from tests.clock import START
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import client
from tests.fakes.github.server import GitHubServer
from tests.fakes.runner import heredoc_outputs
from tests.jobs.stage import Job, Stage
from tests.jobs.test_lost_lock import take_away
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 900}}}}"


class SharedClock:
    """Virtual time for several steps at once: who sleeps lets the others go on."""

    real_time = False

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.skipped = 0.0

    @property
    def elapsed(self) -> float:
        return self.scheduler.time

    def now(self) -> float:
        return START + self.scheduler.time

    def monotonic(self) -> float:
        return self.scheduler.time

    def sleep(self, seconds: float) -> None:
        self.scheduler.wait(seconds)

    def at(self, elapsed: float, action: Callable[[], object]) -> None:
        self.scheduler.spawn(elapsed, action)


class Ground(Stage):
    """Jobs as the runner strings their steps together. `play` runs what was planned."""

    def plan(self, seconds: float, action: Callable[[], object]) -> None:
        self.clock.at(seconds, action)

    def play(self, seconds: float = 20_000.0) -> None:
        self.clock.scheduler.run(seconds)  # type: ignore[attr-defined]

    def of_run(self, name: str, run: str, **inputs: str) -> Job:
        job = self.job(name, **inputs)
        given = json.loads(job.environ["DEPLOY_COORDINATOR_INPUTS"])
        if not inputs.get("stack_name", "?"):
            del given["stack-name"]
        given.pop("mode", None)  # a lock step has none
        job.environ.update(
            GITHUB_RUN_ID=run,
            GITHUB_RUN_ATTEMPT="1",
            GITHUB_JOB=name,
            GITHUB_ENV=str(job.folder / "env"),
            RUNNER_TEMP=str(job.folder),
            DEPLOY_COORDINATOR_INPUTS=json.dumps(given),
        )
        return job

    def holder(self) -> dict[str, Any] | None:
        tickets = self.registry().get("tickets", [])
        return next((one for one in tickets if one["epochs"]), None)

    def finished(self) -> list[str]:
        return [line["outcome"] for line in self.registry()["finished"]]


def later_step(job: Job, name: str, **inputs: str) -> Job:
    """Another step of the same job: it has what earlier ones left in the environment."""
    folder = job.folder.parent / name
    (folder / "state").mkdir(parents=True)
    given = {**json.loads(job.environ["DEPLOY_COORDINATOR_INPUTS"]), **inputs}
    left = job.folder / "env"
    environ = {
        **job.environ,
        **(heredoc_outputs(left.read_text("utf-8")) if left.exists() else {}),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
    }
    return Job(folder, job.clock, job.server, environ)


def token_of(job: Job) -> str:
    return job.outputs()["lock-token"]


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    clock = SharedClock()
    with CloudFormationServer(clock.now) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield Ground(tmp_path, clock, server)  # type: ignore[arg-type]  # a Clock with `at`


def hold(job: Job) -> None:
    """What `lock/step.js` does when the step is run."""
    assert job.run("lock") == 0, job.log
    if (job.folder / "state" / "keeper").exists():
        job.run("keep")


def end(job: Job, status: str = "success") -> None:
    """The end of the job: the keeper is stopped, then `post` runs."""
    job.cancel.now = True
    job.clock.sleep(6)
    job.cancel.now = False
    job.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = status
    assert job.run("unlock") == 0


@pytest.mark.parametrize("status", ["success", "failure", "cancelled"])
def test_a_lock_lives_between_steps_until_its_job_ends_however_that_ends(ground: Ground, status: str) -> None:
    first = ground.of_run("first", "1")
    second = ground.of_run("second", "2", template=ground.template(GOOD))
    codes: list[int] = []
    ground.plan(0, lambda: hold(first))
    ground.plan(5, lambda: codes.append(second.run("pre")))
    seen: list[str] = []
    ground.plan(900, lambda: seen.append(ground.holder()["actor"]))  # type: ignore[index]
    ground.plan(910, lambda: end(first, status))
    ground.play()
    assert seen == ["first"]
    assert codes == [0], second.log
    assert int(second.outputs()["queue-seconds"]) >= 900
    assert first.outputs()["held"] == "true"
    assert ground.finished() == [{"success": "succeeded", "failure": "failed"}.get(status, status)]


def test_a_lock_step_confirms_what_it_holds_and_names_its_turn(ground: Ground) -> None:
    """The steps after it rely on the lock, and none of them asks."""
    first = ground.of_run("first", "1")
    ground.plan(0, lambda: ground.of_run("before", "2", template=ground.template(GOOD)).deploy())
    ground.plan(900, lambda: first.run("lock"))
    ground.play()
    holder = ground.holder()
    assert holder is not None
    assert holder["renewals"] >= 1
    assert first.outputs()["epoch"] == "2"


@pytest.mark.parametrize(("wish", "code"), [("tell", 0), ("stop", 5)])
def test_a_job_whose_lock_step_lost_its_lock_is_told_or_ends_red(
    ground: Ground, wish: str, code: int
) -> None:
    first = ground.of_run("first", "1", on_lost_lock=wish)
    codes: list[int] = []

    def finish() -> None:
        first.cancel.now = False
        first.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = "success"
        codes.append(first.run("unlock"))

    ground.plan(0, lambda: hold(first))
    ground.plan(100, lambda: take_away(ground))
    ground.plan(900, finish)
    ground.play()
    assert "no longer holds `production`" in first.log
    assert codes == [code], first.log
    assert ("as `on-lost-lock: stop` asks" in first.log) is (wish == "stop")


def test_without_a_keeper_a_lock_is_found_dead_after_its_lease(ground: Ground) -> None:
    first = ground.of_run("first", "1")
    second = ground.of_run("second", "2", template=ground.template(GOOD))

    def killed() -> None:
        first.cancel.now = True  # the keeper dies with the runner, and `post` never runs

    ground.plan(0, lambda: hold(first))
    ground.plan(5, lambda: second.run("pre"))
    ground.plan(400, killed)
    ground.play()
    assert "Took over from holder" in second.log
    assert 400 < int(second.outputs()["queue-seconds"]) < 400 + 300 + 160
    assert "no longer holds" not in first.log


def test_a_keeper_that_outlives_its_job_ends_when_github_says_so(ground: Ground) -> None:
    with GitHubServer() as github:
        facts = {"id": 11, "run_id": 1, "run_attempt": 1, "status": "in_progress"}
        github.state.jobs["org/app", 11] = facts
        first = ground.of_run("first", "1", github_token="token")
        first.environ.update(GITHUB_API_URL=github.url, DEPLOY_COORDINATOR_CHECK_RUN_ID="11")
        ended: list[float] = []

        def held() -> None:
            hold(first)
            ended.append(ground.clock.elapsed)

        ground.plan(0, held)
        ground.plan(1000, lambda: facts.update(status="completed"))
        ground.play(5000)
    assert len(ended) == 1
    assert 1000 < ended[0] < 1130
    assert "The job has ended without giving its lock back" in first.log


def test_a_deployment_in_the_same_job_goes_on_under_the_lock_and_leaves_it_held(ground: Ground) -> None:
    first = ground.of_run("first", "1", stack_name="")
    codes: list[int] = []
    jobs: list[Job] = []

    def steps() -> None:
        for number in (1, 2):
            deploy = later_step(first, f"deploy-{number}", **{"stack-name": "shop", "template": "t.yaml"})
            codes.append(deploy.deploy())
            assert (
                "Continues under lock production (epoch 1), which the `lock` step of this job" in deploy.log
            )
            assert "stays held" in deploy.log
            assert deploy.outputs()["outcome"] == ("succeeded" if number == 1 else "no-changes")
        holder = ground.holder()
        assert holder is not None
        assert holder["stacks"] == ["eu-west-1/shop"]
        assert holder["correlation_id"] == deploy.outputs()["correlation-id"]
        end(first)

    ground.template(GOOD, "t.yaml")
    ground.plan(0, lambda: hold(first))
    ground.plan(10, steps)
    ground.play()
    assert codes == [0, 0]
    assert ground.finished() == ["succeeded"]
    remembered = (ground.root / "registry" / history.NAME).read_text("utf-8")
    assert all(job.outputs()["correlation-id"] in remembered for job in jobs)


def test_the_end_of_one_deployment_is_not_told_as_that_of_the_lock_it_goes_on_under(ground: Ground) -> None:
    first = ground.of_run("first", "1", stack_name="")
    waiter = ground.of_run("waiter", "2", template=ground.template(GOOD))
    ends: list[str] = []

    def steps() -> None:
        deploy = later_step(first, "deploy", **{"stack-name": "shop", "template": "slow.yaml"})
        ground.plan(ground.clock.elapsed + 400, lambda: ends.append(ground.holder().get("expected_end", "")))  # type: ignore[union-attr]
        assert deploy.deploy() == 0, deploy.log
        ends.append(ground.holder().get("expected_end", ""))  # type: ignore[union-attr]
        ground.clock.sleep(600)
        end(first)

    ground.template(SLOW, "slow.yaml")
    ground.plan(0, lambda: hold(first))
    ground.plan(10, steps)
    ground.plan(20, lambda: waiter.run("pre"))
    ground.play()
    assert ends == ["", ""]
    assert "position 2" in waiter.log
    assert "overdue" not in waiter.log


def test_a_lock_of_the_run_is_deployed_under_and_given_back_in_other_jobs(ground: Ground) -> None:
    first = ground.of_run("first", "1", hold="run")
    other_run = ground.of_run("other", "2", template=ground.template(GOOD))
    deployed: list[int] = []

    def deploy_job() -> None:
        job = ground.of_run("deploy", "1", template="template.yaml")  # without the token: it is the same run
        deployed.append(job.deploy())
        assert "which the `lock` step of this run holds" in job.log

    def release_job() -> None:
        job = ground.of_run("release", "1", lock_token=token_of(first))
        job.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = "success"
        assert job.run("release") == 0
        assert "Gave the lock production back." in job.log

    ground.plan(0, lambda: hold(first))
    ground.plan(20, lambda: end(first))
    ground.plan(25, lambda: other_run.run("pre"))
    ground.plan(60, deploy_job)
    ground.plan(3000, release_job)
    ground.play()
    assert "The run goes on holding" in first.log
    assert deployed == [0]
    assert int(other_run.outputs()["queue-seconds"]) >= 2970
    assert ground.finished() == ["succeeded"]


def history_of(ground: Ground) -> list[dict[str, Any]]:
    content = json.loads((ground.root / "registry" / history.NAME).read_text("utf-8"))
    return [record for records in content.values() if isinstance(records, list) for record in records]


def slow_stack(ground: Ground, name: str, seconds: int = 200) -> str:
    body = (
        f"Resources: {{Topic: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {{Seconds: {seconds}}}}}}}}}"
    )
    return ground.template(body, f"{name}.yaml")


@pytest.mark.parametrize("hold_for", ["run", "job"])
def test_a_lock_is_not_freed_under_another_job_that_still_deploys_under_it(
    ground: Ground, hold_for: str
) -> None:
    """Each leg of a matrix goes on under the lock of the run, and gives it back."""
    opener = ground.of_run("opener", "7", hold=hold_for)
    ground.plan(0, lambda: hold(opener))
    legs: dict[str, Job] = {}

    def leg(name: str, job_id: str, seconds: int) -> None:
        job = ground.of_run(
            name,
            "7",
            stack_name=name,
            template=slow_stack(ground, name, seconds),
            lock_token=token_of(opener),
        )
        job.environ["DEPLOY_COORDINATOR_CHECK_RUN_ID"] = job_id
        legs[name] = job
        assert job.deploy() == 0, job.log
        release = later_step(job, f"{name}-release", **{"lock-token": token_of(opener)})
        legs[f"{name}-release"] = release
        assert release.run("release") == 0, release.log

    other = ground.of_run("other", "8", stack_name="other", template=slow_stack(ground, "other", 10))
    began: list[float] = []

    def compete() -> None:
        assert other.run("pre") == 0, other.log
        began.append(ground.clock.elapsed)

    ground.plan(10, lambda: leg("quick", "71", 30))
    ground.plan(12, lambda: leg("long", "72", 600))
    ground.plan(20, compete)
    ground.play(2000)
    told = legs["quick-release"].log
    assert "The lock production stays held, since others still deploy under it: " in told
    assert legs["long"].outputs()["correlation-id"] in told
    assert "Gave the lock production back: its `release` waited" in legs["long"].log
    assert began
    assert began[0] > 600
    remembered = {one["correlation_id"]: one for one in history_of(ground)}
    for name in ("quick", "long"):
        record = remembered[legs[name].outputs()["correlation-id"]]
        assert record["stacks"] == [f"eu-west-1/{name}"]


def test_another_attempt_and_another_run_do_not_deploy_under_the_lock_of_a_run(ground: Ground) -> None:
    ground.plan(0, lambda: hold(ground.of_run("first", "1", hold="run")))
    attempt = ground.of_run("attempt", "1", template=ground.template(GOOD), when_busy="fail")
    attempt.environ["GITHUB_RUN_ATTEMPT"] = "2"
    other = ground.of_run("other", "12", template="template.yaml", when_busy="fail")
    codes: list[int] = []
    ground.plan(5, lambda: codes.append(attempt.run("pre")))
    ground.plan(6, lambda: codes.append(other.run("pre")))
    ground.play(60)
    assert codes == [2, 2]


def test_half_of_the_wanted_locks_is_told_at_once_instead_of_waited_for(ground: Ground) -> None:
    first = ground.of_run("first", "1")
    codes: list[int] = []

    def deploy() -> None:
        job = later_step(first, "deploy", template="template.yaml", lock="production\nshared")
        codes.append(job.run("pre"))
        assert "wants shared too" in job.log

    ground.template(GOOD)
    ground.plan(0, lambda: hold(first))
    ground.plan(10, deploy)
    ground.play(30)
    assert codes == [4]
    assert ground.holder() is not None


def test_a_lock_that_was_taken_over_is_not_deployed_under(ground: Ground) -> None:
    first = ground.of_run("first", "1")
    codes: list[int] = []

    def deploy() -> None:
        job = later_step(first, "deploy", template="template.yaml")
        codes.append(job.run("pre"))
        assert "no longer holds `production`" in job.log

    def lose() -> None:
        first.cancel.now = True

    ground.template(GOOD)
    ground.plan(0, lambda: hold(first))
    ground.plan(5, lambda: ground.of_run("second", "2", template="template.yaml").run("pre"))
    ground.plan(100, lose)
    ground.plan(900, deploy)
    ground.play()
    assert codes == [5]


def test_release_in_the_same_job_needs_no_token_and_the_end_has_nothing_left_to_do(ground: Ground) -> None:
    first = ground.of_run("first", "1")

    def release() -> None:
        step = later_step(first, "release")
        step.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = "success"
        assert step.run("release") == 0
        after = later_step(first, "after", template="template.yaml")
        assert after.environ[TOKENS_VARIABLE] == ""
        assert after.run("pre") == 0
        assert "Acquired lock production (epoch 2)" in after.log

    ground.template(GOOD)
    ground.plan(0, lambda: hold(first))
    ground.plan(400, release)
    ground.plan(500, lambda: end(first))
    ground.play()
    assert "given back before (succeeded)" in first.log
    assert "::warning" not in first.log
    assert [one["epochs"] for one in ground.registry()["tickets"]] == [{"production": 2}]


def test_what_is_still_in_progress_at_the_release_is_left_to_the_next_to_wait_for(ground: Ground) -> None:
    first = ground.of_run("first", "1")
    second = ground.of_run("second", "2", template=ground.template(GOOD), stack_name="other")

    def somebody_deploys() -> None:
        cloudformation = client(ground.server)
        cloudformation.create_stack(StackName="shop", TemplateBody=SLOW)
        cloudformation.close()

    ground.plan(0, lambda: hold(first))
    ground.plan(10, somebody_deploys)
    ground.plan(20, lambda: end(first, "cancelled"))
    ground.plan(60, lambda: second.run("pre"))
    ground.play()
    assert "waits until these stacks are seen at rest: eu-west-1/shop" in first.log
    assert int(second.outputs()["queue-seconds"]) > 800


def test_a_lock_step_that_is_killed_while_it_waits_leaves_no_place_in_the_queue(ground: Ground) -> None:
    second = ground.of_run("second", "2")
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([one["actor"] for one in ground.registry()["tickets"]])

    def killed() -> None:  # the step sleeps at this moment, and is never looked at again
        look()
        second.run("unlock")
        look()

    ground.plan(0, lambda: hold(ground.of_run("first", "1")))
    ground.plan(10, lambda: second.run("lock"))
    ground.plan(60, killed)
    ground.play(60.5)
    assert seen == [["first", "second"], ["first"]]


def test_a_busy_lock_is_skipped_green_or_fails(ground: Ground) -> None:
    ground.plan(0, lambda: hold(ground.of_run("first", "1")))
    skip, fail = ground.of_run("skip", "2", when_busy="skip"), ground.of_run("fail", "3", when_busy="fail")
    codes: list[int] = []
    ground.plan(10, lambda: codes.extend([skip.run("lock"), fail.run("lock")]))
    ground.play(30)
    assert codes == [0, 2]
    assert skip.outputs()["held"] == fail.outputs()["held"] == "false"
    assert "lock-token" not in skip.outputs()


NEWEST = {
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_JOB": "deploy",
    "GITHUB_WORKFLOW_REF": "org/app/.github/workflows/deploy.yml@refs/heads/main",
    "DEPLOY_COORDINATOR_JOB_WORKFLOW_REF": "org/app/.github/workflows/deploy.yml@refs/heads/main",
    "DEPLOY_COORDINATOR_MATRIX": "null",
}
"""What the runner tells of a job that can be told from others."""


@pytest.mark.parametrize(("asked", "code"), [({}, 8), ({"when_superseded": "skip"}, 0)])
def test_a_lock_step_that_gave_way_ends_its_job_unless_the_input_asks_to_go_on(
    ground: Ground, asked: dict[str, str], code: int
) -> None:
    """What comes after it would run without the lock."""
    ground.plan(0, lambda: hold(ground.of_run("first", "1")))
    codes: list[int] = []
    older = ground.of_run("older", "2", queue_policy="newest", **asked)
    newer = ground.of_run("newer", "3", queue_policy="newest")
    for number, job in enumerate((older, newer), start=1):
        job.environ |= {**NEWEST, "GITHUB_RUN_NUMBER": str(number), "GITHUB_SHA": str(number) * 40}
    ground.plan(10, lambda: codes.append(older.run("lock")))
    ground.plan(20, lambda: newer.run("lock"))
    ground.play(60)
    assert codes == [code], older.log
    assert older.outputs()["held"] == "false"
    assert "gave way to a newer one" in older.log
    told = "::warning title=deploy-coordinator::The lock is not held, and the job goes on" in older.log
    assert told == (code == 0)
    assert ("::error" in older.log) == (code != 0)


def test_a_registry_that_is_away_locks_nothing_and_is_joined_when_it_is_back(ground: Ground) -> None:
    folder = ground.root / "registry"
    document = folder / "deployments.json"
    document.write_text("{half")
    first = ground.of_run("first", "1")
    codes: list[int] = []

    def deploy() -> None:
        job = later_step(first, "deploy", template="template.yaml")
        codes.append(job.deploy())
        assert "Continues under lock" in job.log

    ground.template(GOOD)
    ground.plan(0, lambda: hold(first))
    ground.plan(100, document.unlink)
    ground.plan(300, deploy)
    ground.plan(400, lambda: end(first))
    ground.play()
    assert first.outputs()["held"] == "alone"
    assert codes == [0]
    assert ground.finished() == ["succeeded"]
    assert "The registry answers again" in first.log


def test_a_token_of_another_shape_is_refused(ground: Ground) -> None:
    job = ground.of_run("job", "1", template=ground.template(GOOD), lock_token="mine")
    codes: list[int] = []
    ground.plan(0, lambda: codes.append(job.run("pre")))
    ground.play()
    assert codes == [3]
    assert "`lock-token`" in job.log


def test_release_without_a_token_finds_what_its_run_holds_as_a_deployment_does(ground: Ground) -> None:
    opener, stranger = ground.of_run("opener", "7", hold="run"), ground.of_run("stranger", "8")
    again = ground.of_run("again", "7")
    again.environ["GITHUB_RUN_ATTEMPT"] = "2"
    closer = ground.of_run("closer", "7")
    holders: list[bool] = []

    def release(job: Job) -> None:
        assert job.run("release") == 0, job.log
        holders.append(ground.holder() is not None)

    ground.plan(0, lambda: hold(opener))
    for number, job in enumerate((stranger, again, closer), start=1):
        ground.plan(10.0 * number, lambda job=job: release(job))  # type: ignore[misc]
    ground.play(60)
    assert holders == [True, True, False]
    assert "there is nothing to give back" in stranger.log
    assert "Gave the lock production back." in closer.log


def test_release_without_anything_locked_is_quiet(ground: Ground) -> None:
    job = ground.of_run("job", "1", lock_token="")
    codes: list[int] = []
    ground.plan(0, lambda: codes.append(job.run("release")))
    ground.play()
    assert codes == [0]
    assert "nothing to give back" in job.log


def test_a_lock_step_needs_a_name(ground: Ground) -> None:
    job = ground.of_run("job", "1", environment="", stack_name="")
    codes: list[int] = []
    ground.plan(0, lambda: codes.append(job.run("lock")))
    ground.play()
    assert codes == [3]


def test_another_run_cannot_free_a_lock_by_what_it_reads_in_the_registry(ground: Ground) -> None:
    """Neither with the nonce of its ticket, nor with the token itself."""
    first = ground.of_run("first", "1")
    said: list[str] = []

    def attack() -> None:
        (ticket,) = ground.registry()["tickets"]
        token = token_of(first)
        assert token not in json.dumps(ground.registry())
        for number, tried in enumerate((token, ticket["nonce"].rpartition("-")[2][:32])):
            other = ground.of_run(f"other-{number}", "2", lock_token=tried)
            assert other.run("release") == 0
            said.append(other.log)
            assert [one["nonce"] for one in ground.registry()["tickets"]] == [ticket["nonce"]]

    ground.plan(0, lambda: hold(first))
    ground.plan(60, attack)
    ground.plan(120, lambda: end(first))
    ground.play()
    assert "is that of a lock of another run" in said[0]
    assert "knows no lock with this" in said[1]
    assert ground.finished() == ["succeeded"]


def test_a_run_that_waits_for_a_reviewer_is_passed_and_takes_its_turn_again(ground: Ground) -> None:
    created = "2027-01-15T08:00:30Z"
    jobs: dict[str, Job] = {}
    with GitHubServer() as github:

        def job_of(name: str, run: str, **inputs: str) -> Job:
            job = jobs[name] = ground.of_run(name, run, github_token="token", **inputs)
            job.environ.update(GITHUB_API_URL=github.url)
            return job

        github.state.runs["org/app", 1] = {"id": 1, "run_attempt": 1, "status": "waiting"}
        github.state.jobs["org/app", 11] = {"id": 11, "run_id": 1, "status": "completed"}
        github.state.jobs["org/app", 12] = {"id": 12, "run_id": 1, "status": "waiting", "created_at": created}
        template = ground.template(GOOD)
        ground.plan(0, lambda: hold(job_of("first", "1", hold="run")))
        ground.plan(60, lambda: job_of("second", "2", template=template).deploy())
        ground.plan(2000, lambda: job_of("late", "1", template=template, stack_name="worker").deploy())
        ground.play()
    waits = f"waits for a reviewer since {created}, at https://github.com/org/app/actions/runs/1"
    assert f"which {waits}: no job and no stack of it is in progress" in jobs["second"].log
    assert "Acquired lock production (epoch 2)" in jobs["second"].log
    assert "Acquired lock production (epoch 3)" in jobs["late"].log
    assert ground.finished() == ["passed", "succeeded", "succeeded"]
