"""A job that is cancelled, as the runner does it, with everything real: launcher, steps, lock, command."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import REPOSITORY, Job
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import client
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc to see what was left behind"),
]

SPEED = 20.0
COMMAND = """
trap 'echo "the command heard it"; exit 9' INT
sleep 1000 &
echo "the command runs"
wait
"""
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 600}}}}"


@pytest.fixture
def cloud() -> Iterator[CloudFormationServer]:
    origin = time.time()
    with CloudFormationServer(lambda: origin + (time.time() - origin) * SPEED) as server:
        yield server


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "real launch cache"


def make_job(cloud: CloudFormationServer, folder: Path, cache: Path, **inputs: str) -> Job:
    (folder / "registry").mkdir(parents=True, exist_ok=True)
    given = {
        "stack-name": "shop",
        "environment": "production",
        "registry": f"file://{folder / 'registry'}",
        "wait-timeout-in-minutes": "10",
        **inputs,
    }
    environment = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "NO_COLOR": "1",
        "DEPLOY_COORDINATOR_CLOCK": f"{time.time()}:{SPEED}",
        "DEPLOY_COORDINATOR_REGISTRY": given["registry"],
        "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
    }
    return Job(REPOSITORY, folder, cache, environment)


def registry(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "registry" / "deployments.json").read_text("utf-8")))


def output(job: Job, name: str) -> str:
    return heredoc_outputs((job.folder / "temp" / "output").read_text("utf-8")).get(name, "")


def check_command(job: Job, **environment: str) -> None:
    done = job.run("pre", **environment)
    assert done.code == 0, done.log
    main = job.start("main", **environment)
    main.until("the command runs")
    main.process.send_signal(signal.SIGINT)
    ended = main.wait()
    assert ended.code == 130, ended.log
    assert "the command heard it" in ended.log
    assert ended.seconds < 60
    post = job.run("post", DEPLOY_COORDINATOR_JOB_STATUS="cancelled", **environment)
    assert post.code == 0, post.log
    assert job.alive() == []
    assert registry(job.folder)["tickets"] == []
    assert output(job, "outcome") == "cancelled"


def test_a_cancelled_command_hears_it_and_the_lock_is_free(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    check_command(make_job(cloud, tmp_path, cache, command=COMMAND))


@pytest.mark.container
def test_a_cancelled_command_beside_the_container(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path, engine: dict[str, str]
) -> None:
    job = make_job(cloud, tmp_path, cache, command=COMMAND)
    check_command(job, DEPLOY_COORDINATOR_RUNTIME="container", **engine)


def test_a_cancelled_change_set_deployment_leaves_the_stack_and_frees_the_lock(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    job = make_job(cloud, tmp_path, cache, template="template.yaml")
    (job.workspace / "template.yaml").write_text(SLOW, "utf-8")
    assert job.run("pre").code == 0
    main = job.start("main")
    main.until("CREATE_IN_PROGRESS    Topic")
    main.process.send_signal(signal.SIGINT)
    ended = main.wait()
    assert ended.code == 130, ended.log
    post = job.run("post", DEPLOY_COORDINATOR_JOB_STATUS="cancelled")
    assert "waits until these stacks are seen at rest: eu-west-1/shop" in post.log
    assert job.alive() == []
    held = registry(tmp_path)
    assert held["tickets"] == []
    assert "stack/shop/" in str(held["locks"])
    cloudformation = client(cloud)
    assert (
        cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS"
    )
    cloudformation.close()


def test_a_waiter_that_is_cancelled_leaves_the_queue(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    holder = make_job(cloud, tmp_path, cache, command="true")
    assert holder.run("pre").code == 0
    waiter = make_job(
        cloud, tmp_path / "waiter", cache, command="true", registry=f"file://{tmp_path}/registry"
    )
    pre = waiter.start("pre")
    pre.until("Waiting for the lock")
    pre.process.send_signal(signal.SIGINT)
    assert pre.wait().code == 130
    tickets = registry(tmp_path)["tickets"]
    assert isinstance(tickets, list)
    assert len(tickets) == 1
    assert waiter.alive() == []


def kill_the_coordinator(job: Job) -> None:
    """SIGKILL to the real process; the launcher knows its number."""
    path = job.state / "coordinator.pid"
    os.kill(int(path.read_text().split()[0]), signal.SIGKILL)


def test_a_killed_watch_of_a_change_set_is_gone_on_with(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    job = make_job(cloud, tmp_path, cache, template="template.yaml", log="full")
    (job.workspace / "template.yaml").write_text(SLOW, "utf-8")
    assert job.run("pre").code == 0
    main = job.start("main")
    main.until("CREATE_IN_PROGRESS    Topic")
    kill_the_coordinator(job)
    main.until("(restart 1)")
    kill_the_coordinator(job)
    ended = main.wait(120)
    assert ended.code == 0, ended.log
    assert "(restart 2)" in ended.log
    lines = [line for line in ended.log.splitlines() if "  Topic  " in line and "Add" not in line]
    assert len(lines) == len(set(lines)) == 3, ended.log
    assert cloud.requests["ExecuteChangeSet", "eu-west-1"] == 1
    assert job.run("post").code == 0
    assert output(job, "outcome") == "succeeded"
    assert job.alive() == []
    assert registry(tmp_path)["tickets"] == []


def test_a_killed_apply_follows_the_execution_that_it_began(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    cloudformation = client(cloud)
    good = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    cloudformation.create_stack(StackName="shop", TemplateBody=good)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="shop", WaiterConfig={"Delay": 1})
    more = "More: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 300}}}"
    arn = cloudformation.create_change_set(
        StackName="shop",
        ChangeSetName="reviewed",
        TemplateBody=good.replace("Topic: {", f"{more}, Topic: {{"),
    )["Id"]
    cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=arn, WaiterConfig={"Delay": 1})
    job = make_job(cloud, tmp_path, cache, mode="apply", log="full", **{"execute-change-set-id": arn})
    done = job.run("pre")
    assert done.code == 0, done.log
    main = job.start("main")
    main.until("CREATE_IN_PROGRESS    More")
    kill_the_coordinator(job)
    main.until("(restart 1)")
    kill_the_coordinator(job)
    ended = main.wait(120)
    assert ended.code == 0, ended.log
    assert "(restart 2)" in ended.log
    assert cloud.requests["ExecuteChangeSet", "eu-west-1"] == 1
    (stack,) = cloudformation.describe_stacks(StackName="shop")["Stacks"]
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("UPDATE_COMPLETE", arn)
    assert job.run("post").code == 0
    assert (output(job, "outcome"), output(job, "stack-status")) == ("succeeded", "UPDATE_COMPLETE")
    assert job.alive() == []
    assert registry(tmp_path)["tickets"] == []
    cloudformation.close()


def test_an_update_is_rolled_back_in_the_time_that_the_runner_leaves(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    cloudformation = client(cloud)
    good = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
    cloudformation.create_stack(StackName="shop", TemplateBody=good)
    job = make_job(cloud, tmp_path, cache, template="template.yaml", **{"on-cancel": "cancel-update"})
    update = SLOW.replace("Metadata", "Properties: {DisplayName: x}, Metadata").replace("Sec", "UpdateSec")
    (job.workspace / "template.yaml").write_text(update, "utf-8")
    assert job.run("pre").code == 0
    main = job.start("main")
    main.until("UPDATE_IN_PROGRESS    Topic")
    began = time.monotonic()
    main.process.send_signal(signal.SIGINT)
    ended = main.wait()
    assert ended.code == 130, ended.log
    assert time.monotonic() - began < 7.5
    assert "Cancelled the update" in ended.log
    assert cloud.requests["CancelUpdateStack", "eu-west-1"] == 1
    assert job.run("post", DEPLOY_COORDINATOR_JOB_STATUS="cancelled").code == 0
    assert output(job, "outcome") == "cancelled"
    cloudformation.close()


def test_after_too_many_deaths_the_verdict_is_still_read(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    job = make_job(cloud, tmp_path, cache, template="template.yaml")
    (job.workspace / "template.yaml").write_text(SLOW, "utf-8")
    assert job.run("pre").code == 0
    main = job.start("main")
    main.until("CREATE_IN_PROGRESS    Topic")
    for number in range(1, 7):
        kill_the_coordinator(job)
        main.until(f"(restart {number})")
    ended = main.wait(120)
    assert ended.code == 0, ended.log
    assert "nothing is watched from here on" in ended.log
    assert cloud.requests["ExecuteChangeSet", "eu-west-1"] == 1
    assert job.run("post").code == 0
    assert output(job, "outcome") == "succeeded"
    assert registry(tmp_path)["tickets"] == []
