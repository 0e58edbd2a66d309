"""What must not be seen of the inputs is masked before anything else is written, wrong inputs included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy_action.inputs.raw import secrets_given

ROOT = Path(__file__).parents[1]
BOT = "xoxb-1111-2222-AbCdEfGhIjKl"
HOOK = "https://hooks.slack.com/services/T000/B000/AbCdEfGhIj"
OPAQUE = "of-a-server-of-theirs"
PERSONAL = f"github_pat_{'a1B2' * 10}"


def told(step: str, inputs: str, folder: Path) -> list[str]:
    """What a real process of the step writes, with a bundle of certificates that is not there."""
    done = subprocess.run(
        [sys.executable, "-Iu", "-X", "utf8", ROOT / "entrypoint.py", step],
        env={
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "org/app",
            "DEPLOY_COORDINATOR_INPUTS": inputs,
            "DEPLOY_COORDINATOR_STATE": str(folder),
            "SSL_CERT_FILE": "/nowhere.pem",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stdout
    return done.stdout.splitlines()


CASES = {
    "a wrong one beside them": json.dumps(
        {"slack-bot-token": BOT, "slack-webhook-url": HOOK, "github-token": PERSONAL, "queue-policy": "no"}
    ),
    "a webhook that is none": json.dumps(
        {"slack-webhook-url": "http://corp.example/secret-path", "stack-name": ""}
    ),
    "in another's place": json.dumps({"slack-channel": BOT, "queue-policy": PERSONAL, "slack-events": HOOK}),
    "a registry's": json.dumps({"registry-token": OPAQUE, "queue-policy": "no"}),
    "no JSON": json.dumps({"slack-bot-token": BOT, "github-token": PERSONAL})[:-1],
}
SECRETS = (BOT, HOOK, PERSONAL, OPAQUE, "http://corp.example/secret-path")


@pytest.mark.parametrize("inputs", CASES.values(), ids=CASES)
@pytest.mark.parametrize("step", ["pre", "lock"])
def test_masks_are_written_before_anything_else(step: str, inputs: str, tmp_path: Path) -> None:
    lines = told(step, inputs, tmp_path)
    masks = [line.removeprefix("::add-mask::") for line in lines if line.startswith("::add-mask::")]
    rest = lines[len(masks) :]
    assert not any("add-mask" in line for line in rest)
    assert {secret for secret in SECRETS if secret in inputs} <= set(masks)
    assert any("/nowhere.pem" in line for line in rest)
    seen = "\n".join(rest)
    for mask in sorted(masks, key=len, reverse=True):
        seen = seen.replace(mask, "***")
    words = [secret.lower() for secret in (BOT, HOOK.partition("//")[2], PERSONAL, "secret-path")]
    assert [word for word in words if word in seen.lower()] == []


@pytest.mark.parametrize("inputs", CASES.values(), ids=CASES)
def test_what_looks_like_a_credential_is_masked_wherever_it_stands(inputs: str) -> None:
    found = secrets_given({"DEPLOY_COORDINATOR_INPUTS": inputs})
    assert {secret for secret in SECRETS if secret in inputs} <= set(found)
