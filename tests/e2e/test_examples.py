"""Examples as users copy them, by a real runner against a cloud and a GitHub that are stood in for."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.act import REPOSITORY
from tests.e2e.test_deploy import EXAMPLES, World
from tests.fakes.github.apps import GitHubApp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.act import WorkflowRun

pytestmark = pytest.mark.e2e

CHECKOUT = "      - uses: actions/checkout@v4\\n"
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}\n"
REUSABLE = REPOSITORY / ".github" / "workflows" / "deploy.yml"
TOOL = """#!{python}
import sys, time
import boto3

name = sys.argv[sys.argv.index("--stack-name") + 1]
cloudformation = boto3.client("cloudformation")
cloudformation.create_stack(StackName=name, TemplateBody='{template}')
while cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] != "CREATE_COMPLETE":
    time.sleep(0.1)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, 60.0)
    made.template(GOOD)
    with made.cloud, made.github:
        yield made


def prepared(text: str) -> str:
    """As it stands, but for `queue:` and `$/`, which act knows as little as GitHub Enterprise Server does, a
    checkout that it replaces by its own only without a `ref`, an action that is not here, and the runtime: a
    release has an image, a checkout is run on the host."""
    text = re.sub(r"\n +queue: .*", "", text)
    text = text.replace("uses: $/deploy\n", "uses: org/deploy-coordinator/deploy@v1\n")
    text = text.replace("          ref: ${{ inputs.ref }}\n", "")
    text = re.sub(r"      - if: inputs.artifact(.*\n)+?\n", "", text)
    text = re.sub(r"(\n    steps:\n)(?!      - uses: actions/checkout)", rf"\1{CHECKOUT}", text)
    action = r"(uses: org/deploy-coordinator.*\n(?:        env:\n(?:          .*\n)+)?        with:\n)"
    return re.sub(rf"{action}((?:          .*\n|\n(?=          ))+)", _on_the_host, text)


def _on_the_host(found: re.Match[str]) -> str:
    return found[0] if "          runtime:" in found[0] else f"{found[1]}          runtime: host\n{found[2]}"


def example(name: str) -> str:
    return prepared((EXAMPLES / name).read_text("utf-8"))


def script(world: World, path: str, text: str) -> None:
    world.act.write(path, text)
    file = world.act.files / path
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def finished(world: World) -> list[str]:
    registry = world.registry()
    assert registry["tickets"] == []
    return [line["outcome"] for line in registry["finished"]]  # type: ignore[attr-defined]


def good(run: WorkflowRun) -> None:
    assert run.code == 0, run.story


@pytest.mark.skipif(shutil.which("node") is None, reason="the runner's own Node.js is not here")
def test_steps_share_one_lock(world: World) -> None:
    world.act.write("network.yaml", GOOD)
    script(world, "migrate.sh", "#!/bin/sh\necho the database is migrated\n")
    script(world, "smoke-test.sh", "#!/bin/sh\necho it answers\n")
    run = world.run(example("steps.yml"))
    good(run)
    assert run.story.count("Continues under lock production (epoch 1)") == 2
    assert finished(world) == ["succeeded"]


@pytest.mark.skipif(shutil.which("node") is None, reason="the runner's own Node.js is not here")
def test_regions_are_deployed_one_after_the_other_under_one_lock(world: World) -> None:
    run = world.run(example("multi-region.yml"))
    good(run)
    assert run.raw.count("Continues under lock production (epoch 1)") >= 2
    assert "Gave the lock production back." in run.raw
    assert finished(world) == ["succeeded"]


def test_environments_are_promoted_by_the_reusable_workflow(world: World) -> None:
    world.act.write(".github/workflows/deploy.yml", prepared(REUSABLE.read_text("utf-8")))
    workflow = example("promotion.yml").replace(
        "org/deploy-coordinator/.github/workflows/deploy.yml@v1", "./.github/workflows/deploy.yml"
    )
    run = world.run(workflow.replace("    with:\n", "    with:\n      runtime: host\n"))
    good(run)
    locks = world.registry()["locks"]
    assert sorted(locks) == ["production", "staging"]  # type: ignore[call-overload]
    assert finished(world) == ["succeeded", "no-changes"]


@pytest.mark.skipif(shutil.which("node") is None, reason="the runner's own Node.js is not here")
def test_a_free_lock_is_asked_for_and_what_the_command_wrote_is_used(world: World) -> None:
    tool = TOOL.format(python=sys.executable, template=GOOD.strip())
    tool += "import os\nopen(os.environ['GITHUB_OUTPUT'], 'a').write('url<<E\\nhttps://shop\\nE\\noutcome=failed\\n')\n"
    script(world, "deploy.sh", tool)
    script(world, "load-test.sh", '#!/bin/sh\necho "tests $1"\n')

    def asked() -> WorkflowRun:
        return world.act.run(
            example("ask-first.yml"), environment=world.environment(), event="workflow_dispatch"
        )

    run = asked()
    good(run)
    assert "The lock staging is free." in run.story
    assert "tests https://shop" in run.story
    assert finished(world) == ["succeeded"]
    freeze = example("freeze.yml").replace("production", "staging")
    inputs = {"action": "freeze", "reason": "the audit"}
    by_hand = "workflow_dispatch"
    good(world.act.run(freeze, environment=world.environment(), event=by_hand, inputs=inputs))
    run = asked()
    good(run)
    assert "froze it until" in run.story
    assert "Staging is busy (nobody is named)" in run.raw
    assert "tests https://shop" not in run.story
    assert finished(world) == ["succeeded"], "asking leaves no trace"


def test_a_freeze_keeps_everybody_out_until_it_is_lifted(world: World) -> None:
    def by_hand(action: str) -> WorkflowRun:
        return world.act.run(
            example("freeze.yml"),
            environment=world.environment(),
            event="workflow_dispatch",
            inputs={"action": action, "reason": "the audit"},
        )

    good(by_hand("freeze"))
    assert world.registry()["locks"]["production"]["freeze"]["reason"] == "the audit"  # type: ignore[index]
    good(by_hand("unfreeze"))
    assert "freeze" not in world.registry()["locks"]["production"]  # type: ignore[index]


def test_a_runner_of_ones_own_needs_no_docker_and_no_write_permission(world: World, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    workflow = example("self-hosted.yml").replace(
        "s3://org-deploy-registry/shop", f"file://{tmp_path}/registry"
    )
    workflow = re.sub(r"      - uses: actions/setup-python.*\n        with:\n.*\n", "", workflow)
    run = world.run(workflow, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    good(run)
    assert (tmp_path / "registry" / "deployments.json").exists()
    assert world.registry() == {}


def test_the_queue_of_messages_is_worked_off(world: World) -> None:
    run = world.act.run(
        example("slack-queue.yml"),
        environment={**world.environment(), "SLACK_API_URL": "http://127.0.0.1:9/"},
        secrets={"SLACK_BOT_TOKEN": "xoxb-1"},
        event="workflow_dispatch",
    )
    good(run)
    assert "is there for the later steps" in run.raw


def test_sam_deploys_under_the_lock(world: World) -> None:
    tools = world.act.folder / "tools"
    tools.mkdir()
    sam = tools / "sam"
    tool = TOOL.replace("{python}", sys.executable).replace("{template}", GOOD.strip())
    sam.write_text(tool.replace("name =", 'if sys.argv[1] == "build": sys.exit()\nname ='))
    sam.chmod(0o755)
    run = world.run(example("sam.yml"), PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    good(run)
    assert finished(world) == ["succeeded"]


def test_repositories_share_a_lock(world: World) -> None:
    world.github.state.add_repository("org/deploy-registry")
    world.github.app = app = GitHubApp(installed={"org/deploy-registry", "org/app"})
    run = world.act.run(
        example("cross-repository.yml").replace("${{ vars.DEPLOY_APP_ID }}", app.app_id),
        environment=world.environment(),
        secrets={"DEPLOY_APP_KEY": app.private_key().replace("\n", "\\n")},
    )
    assert app.tokens, "the App signed in"
    said = "\n".join(line for line in run.story.splitlines() if "::add-mask::" not in line)
    assert not [line for line in app.private_key().splitlines()[1:-1] if line in said]
    good(run)
    assert world.registry() == {}
    shared = world.github.state.repositories["org/deploy-registry"]
    document = shared.document("deploy-registry", ".deployment-registry/deployments.json")
    assert document is not None
    assert b"shop-production" in document


def test_every_example_is_in_the_table() -> None:
    table = (EXAMPLES / "README.md").read_text("utf-8")
    files = [path.name for folder in (".", "infrastructure") for path in (EXAMPLES / folder).glob("*.y*ml")]
    assert len(files) > 12
    assert [name for name in files if name not in table] == []
