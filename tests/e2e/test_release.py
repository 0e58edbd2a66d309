"""The release workflow on a real runner. Docker, gh and the actions of others are stand-ins; git is not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.act import REPOSITORY, Act, WorkflowRun

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

WORKFLOWS = REPOSITORY / ".github" / "workflows"
DIGEST, BASE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
IMAGE = f"registry.example/org/app@{DIGEST}"
ATTESTED = '\\"sbom-path\\": \\"sbom.spdx.json\\"'
STAND_IN = """
name: stand-in
description: says what it was given
inputs: {{{inputs}}}
outputs: {{digest: {{description: digest, value: "{digest}"}}}}
runs:
  using: composite
  steps:
    - shell: bash
      run: printf '%s\\n' "$GIVEN"
      env: {{GIVEN: "${{{{ toJSON(inputs) }}}}"}}
"""
GIVEN = {
    "docker/build-push-action": ("platforms", "push", "tags", "build-args", "labels"),
    "docker/login-action": ("registry",),
    "anchore/sbom-action": ("image", "output-file"),
    "actions/attest-sbom": ("subject-name", "subject-digest", "sbom-path"),
    "actions/attest-build-provenance": ("subject-name", "subject-digest"),
    "actions/setup-python": ("python-version",),
}
DOCKER = """#!/bin/sh
echo "docker $*" >>"$CALLS"
case $2 in imagetools) echo "$BASE_DIGEST" ;; esac
"""
GH = """#!/bin/sh
echo "gh $*" >>"$CALLS"
case "$1 $2" in
"release view") exit 1 ;;
"release create") cat notes.md >>"$CALLS" ;;
esac
"""
MAKEFILE = """venv:
	mkdir -p .venv/bin && echo 'echo unit tests' >.venv/bin/python && chmod +x .venv/bin/python
"""
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2026-11-24\n\n### Added\n\n- A bell.\n"


class Ground:
    """A repository that is ready to be released, and a remote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = folder / "remote.git"
        self.calls = folder / "calls"
        self.calls.touch()
        self.act = Act(folder / "act")
        for name in ("tools/__init__.py", "tools/release.py", "tools/changelog.py", "Dockerfile"):
            self.act.write(name, (REPOSITORY / name).read_text("utf-8"))
        self.act.write("deploy_action/__init__.py", '__version__ = "1.0.0"\n')
        self.act.write("CHANGELOG.md", CHANGELOG)
        self.act.write("Makefile", MAKEFILE)
        self.act.write(".actrc", "--var CONTAINER_REGISTRY=registry.example\n")
        self.act.write(".ci/run", "#!/bin/sh\necho all checks\nexit ${CHECKS_FAIL:-0}\n")
        (self.act.files / ".ci" / "run").chmod(0o755)
        self.act.write(".github/workflows/ci.yml", self.workflow("ci.yml"))
        texts = self.workflow("release.yml") + self.workflow("ci.yml")
        for name, pin in set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w{40})", texts)):
            if name != "actions/checkout":
                inputs = ", ".join(f"{given}: {{description: x}}" for given in GIVEN.get(name, ()))
                self.act.stand_in(f"{name}@{pin}", STAND_IN.format(inputs=inputs, digest=DIGEST))
        subprocess.run(["git", "init", "--quiet", "--bare", self.remote], check=True)
        tools = folder / "bin"
        tools.mkdir()
        for name, text in (("docker", DOCKER), ("gh", GH)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.path = f"{tools}{os.pathsep}{os.environ['PATH']}"

    def workflow(self, name: str) -> str:
        return (WORKFLOWS / name).read_text("utf-8").replace("ubuntu-24.04", "ubuntu-latest")

    def release(self, **environment: str) -> WorkflowRun:
        return self.act.run(
            self.workflow("release.yml"),
            event="workflow_dispatch",
            environment={
                "PATH": self.path,
                "CALLS": str(self.calls),
                "BASE_DIGEST": BASE,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.file://{self.remote}.insteadOf",
                "GIT_CONFIG_VALUE_0": "https://github.com/org/app.git",
                **environment,
            },
        )

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "--git-dir", self.remote, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    return Ground(tmp_path)


def test_a_release_is_tested_built_attested_sealed_and_told(ground: Ground) -> None:
    run = ground.release()
    assert run.code == 0, run.story
    assert ground.git("tag").split() == ["v1", "v1.0.0"]
    assert ground.git("rev-parse", "v1") == ground.git("rev-parse", "v1.0.0^{commit}")
    assert ground.git("show", "v1.0.0:image.digest") == IMAGE
    assert f"-slim-bookworm@{BASE}\n" in ground.git("show", "v1.0.0:Dockerfile")
    assert ground.git("branch") == ""
    calls = ground.calls.read_text()
    assert "gh auth setup-git\n" in calls
    assert "gh release create v1.0.0 --verify-tag --title 1.0.0 --notes-file notes.md" in calls
    assert "--latest=true --prerelease=false" in calls
    assert "- A bell.\n" in calls
    for platform in ("linux/amd64", "linux/arm64"):
        assert f"docker run --rm --platform {platform} {IMAGE} --help\n" in calls
    assert '"platforms": "linux/amd64,linux/arm64"' in run.raw.replace('\\"', '"')
    assert f"PYTHON=3.13-slim-bookworm@{BASE}" in run.raw
    assert ATTESTED in run.raw


def test_nothing_is_pushed_where_the_checks_fail(ground: Ground) -> None:
    run = ground.release(CHECKS_FAIL="1")
    assert run.code == 1
    assert ground.git("tag") == ""
    assert "gh" not in ground.calls.read_text()


def test_a_version_that_is_not_ready_ends_before_anything_is_built(ground: Ground) -> None:
    ground.act.write("CHANGELOG.md", CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- A whistle.\n"))
    run = ground.release()
    assert run.code == 1
    assert "still has entries" in run.raw
    assert ground.calls.read_text() == ""
    assert ground.git("tag") == ""


def test_a_dry_run_builds_and_pushes_nothing(ground: Ground) -> None:
    ground.act.write(".actrc", "--var CONTAINER_REGISTRY=registry.example\n--input dry-run=true\n")
    run = ground.release()
    assert run.code == 0, run.story
    assert '"push": "false"' in run.raw.replace('\\"', '"')
    assert ATTESTED not in run.raw
    assert "docker run" not in ground.calls.read_text()
    assert ground.git("tag") == ""


def test_a_repository_without_a_registry_is_told_what_to_set(ground: Ground) -> None:
    ground.act.write(".actrc", "")
    run = ground.release()
    assert run.code == 1
    assert "CONTAINER_REGISTRY is not set" in run.raw
    assert ground.git("tag") == ""
