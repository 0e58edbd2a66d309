"""Shapes of deployments with the real tools under `command`, on an emulator of AWS.

Each deploys, changes nothing, fails, and destroys. Without `--real-tools` only the AWS CLI is tried, where it
is installed.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.plain_run import PlainRun
from tests.ground.tools import missing, path

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {"aws"}
GOOD = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": 1}}}}
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
NEVER = {
    "Type": "AWS::CloudFormation::WaitCondition",
    "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1},
}
BAD = {"Resources": {**GOOD["Resources"], "Handle": HANDLE, "Never": NEVER}}


ENDPOINT = """
module.exports = class {
  constructor(serverless) {
    const config = serverless.getProvider("aws").sdk.config;
    for (const name of ["cloudformation", "ecr", "iam", "s3", "ssm", "sts"])
      config[name] = {endpoint: process.env.AWS_ENDPOINT_URL, s3ForcePathStyle: true};
  }
};
"""
"""The SDK of Serverless 3 does not read AWS_ENDPOINT_URL."""


@dataclass(frozen=True)
class Tool:
    """`deploy` and `destroy`: the commands, on `template.json`. `stack`: what they name the stack."""

    deploy: str
    destroy: str
    stack: str
    files: tuple[tuple[str, str], ...] = ()


def cdk(stack: str, options: str) -> Tool:
    """An assembly of one stack, as `cdk synth` writes it."""
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": f"{stack}.template.json"},
    }
    manifest = json.dumps({"version": "36.0.0", "artifacts": {stack: artifact}})
    return Tool(
        f"cp template.json assembly/{stack}.template.json && "
        f"cdk deploy --app assembly --all --require-approval never --progress events {options}",
        "cdk destroy --app assembly --all --force",
        stack,
        (("assembly/manifest.json", manifest),),
    )


TOOLS = {
    "aws": Tool(
        "aws cloudformation deploy --stack-name shop-aws --template-file template.json "
        "--no-fail-on-empty-changeset",
        "aws cloudformation delete-stack --stack-name shop-aws && "
        "aws cloudformation wait stack-delete-complete --stack-name shop-aws",
        "shop-aws",
    ),
    "sam": Tool(
        "sam deploy --stack-name shop-sam --template-file template.json --no-confirm-changeset "
        "--no-fail-on-empty-changeset --region eu-west-1",
        "sam delete --no-prompts --stack-name shop-sam --region eu-west-1",
        "shop-sam",
    ),
    "sceptre": Tool(
        "cp template.json templates/shop.json && sceptre launch -y shop.yaml",
        "sceptre delete -y shop.yaml",
        "tools-shop",
        (
            ("config/config.yaml", "project_code: tools\nregion: eu-west-1\n"),
            ("config/shop.yaml", "template: {type: file, path: shop.json}\n"),
            ("templates/shop.json", "{}"),
        ),
    ),
    "cdk": cdk("shop-cdk", ""),
    "cdk direct": cdk("shop-direct", "--method=direct --concurrency 4"),
    "serverless": Tool(
        "cp template.json resources.json && serverless deploy --stage dev --region eu-west-1",
        "serverless remove --stage dev --region eu-west-1",
        "tools-dev",
        (
            (
                "serverless.yml",
                (
                    "service: tools\nframeworkVersion: '3'\nprovider: {name: aws}\n"
                    "plugins: [./endpoint.js]\nresources: ${file(resources.json)}\n"
                ),
            ),
            ("endpoint.js", ENDPOINT),
        ),
    ),
}
WAYS = {
    "deploy": (GOOD, 0, "succeeded"),
    "no change": (GOOD, 0, "no-changes"),
    "failure": (BAD, 1, "rolled-back"),
    "destroy": (GOOD, 0, "succeeded"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_it_deploys_changes_nothing_fails_and_destroys(
    name: str, tmp_path: Path, ministack_url: str, request: pytest.FixtureRequest
) -> None:
    if name not in ALWAYS and not request.config.getoption("--real-tools"):
        pytest.skip("the matrix of real tools runs with --real-tools")
    if reason := missing(name.partition(" ")[0]):
        pytest.skip(reason)
    tool = TOOLS[name]
    run = PlainRun(tmp_path)
    for file, text in tool.files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    for way, (template, exit_code, outcome) in WAYS.items():
        (tmp_path / "template.json").write_text(json.dumps(template))
        command = tool.destroy if way == "destroy" else tool.deploy
        log, code = deploy(run, tool.stack, command, ministack_url)
        outputs = run.outputs()
        assert (code != 0) == (exit_code != 0), f"{name}, {way}: {log}"
        assert outputs["outcome"] == outcome, f"{name}, {way}: {log}"
        if way == "failure":
            assert outputs["root-cause"].startswith("Never (AWS::CloudFormation::WaitCondition)"), log
        if way == "destroy":
            assert "## ✅ Deleted" in run.summary()
            assert "a teardown by command" in log


def deploy(run: PlainRun, stack: str, command: str, url: str) -> tuple[str, int]:
    words = {
        "stack-name": stack,
        "environment": "production",
        "registry": f"file://{run.folder / 'registry'}",
        "command": command,
        "runtime": "host",
        "preflight": "off",
        "diagnose-services": "false",
        "timeout-in-minutes": "5",
    }
    script = " ".join(
        [
            "exec deploy-coordinator/launcher/run",
            *(shlex.quote(f"{key}={value}") for key, value in words.items()),
        ]
    )
    credentials = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "PATH": path(),
        "SAM_CLI_TELEMETRY": "0",
        "SLS_TELEMETRY_DISABLED": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CI": "true",
    }
    process = run.begin(script, credentials)
    log, _ = process.communicate(timeout=300)
    return log, process.returncode


PROMPTS = {
    "sam": "sam delete --stack-name shop --region eu-west-1",
    "sceptre": "cp template.json templates/shop.json && sceptre launch shop.yaml",
    "cdk": "cp template.json assembly/shop-cdk.template.json && cdk destroy --app assembly --all",
}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_ends_at_once(
    name: str, tmp_path: Path, ministack_url: str, request: pytest.FixtureRequest
) -> None:
    """Standard input is empty, so that a tool that asks cannot wait for an answer with the lock held."""
    if not request.config.getoption("--real-tools"):
        pytest.skip("the matrix of real tools runs with --real-tools")
    if reason := missing(name):
        pytest.skip(reason)
    run = PlainRun(tmp_path)
    for file, text in TOOLS[name].files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    (tmp_path / "template.json").write_text(json.dumps(GOOD))
    log, _ = deploy(run, "shop", PROMPTS[name], ministack_url)
    assert run.outputs()["outcome"] in {"failed", "no-changes"}, log
    assert int(run.outputs()["duration-seconds"]) < 120, log
