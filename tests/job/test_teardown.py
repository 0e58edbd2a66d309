"""Commands that delete stacks, told by their words."""

from __future__ import annotations

import pytest

from deploy_action.job.teardown import teardown_of

TEARDOWNS = {
    "npx cdk destroy --all --force": "cdk destroy",
    "npx aws-cdk@2 --version; npx cdk@2 --app ./x destroy --force": "cdk destroy",
    "cd infra && ./node_modules/.bin/cdk destroy shop": "cdk destroy",
    "sam delete --no-prompts --stack-name shop": "sam delete",
    "sceptre --dir infra delete -y prod": "sceptre delete",
    "npx serverless remove --stage dev": "serverless remove",
    "sls remove": "sls remove",
    "aws cloudformation delete-stack --stack-name shop\naws cloudformation wait stack-delete-complete": (
        "aws delete-stack"
    ),
    "aws cloudformation delete-stack-instances --stack-set-name b --regions x": "aws delete-stack-instances",
    "set -e\nAWS_REGION=x cdk \\\n  destroy --force": "cdk destroy",
}
OTHERS = [
    "npx cdk deploy --all",
    "npx cdk deploy --context mode=destroy destroy",
    "cdk destroy old --force && cdk deploy new",
    "echo cdk destroy",
    "# cdk destroy\nsam deploy",
    "sam deploy --stack-name delete",
    "aws s3 rm s3://bucket --recursive",
    "aws cloudformation deploy --stack-name delete-stack",
    "rm -rf cdk.out",
    "make destroy",
    "",
]


@pytest.mark.parametrize("command", TEARDOWNS)
def test_a_command_that_only_deletes_is_a_teardown(command: str) -> None:
    assert teardown_of(command) == TEARDOWNS[command]


@pytest.mark.parametrize("command", OTHERS)
def test_everything_else_is_none(command: str) -> None:
    assert teardown_of(command) == ""


@pytest.mark.parametrize("text", ["cdk " * 100_000, "\\\n" * 100_000, "(" * 100_000, "'" * 100_000])
def test_what_is_long_takes_no_time(text: str) -> None:
    assert teardown_of(text) == ""
