"""Releases, against a repository and a remote in temporary folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import release
from tools.changelog import ChangelogError, newest, notes, parse_version, sections
from tools.release import Checkout, ReleaseError, base_image, moves_major, plan, sealed_dockerfile

ROOT = Path(__file__).parents[2]
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-24

### Added

- A bell.

## [1.1.9] - 2026-10-01

### Fixed

- A whistle.

[Unreleased]: https://example.org/compare
"""
PACKAGE = '"""What it is."""\n\n__version__ = "1.2.0"\n'
DOCKERFILE = "ARG PYTHON=3.13-slim\nFROM python:${PYTHON} AS build\nFROM python:${PYTHON}\n"
IMAGE = "registry.example/org/deploy-coordinator@sha256:" + "a" * 64
OTHER_IMAGE = "registry.example/org/deploy-coordinator@sha256:" + "b" * 64
BASE = "sha256:" + "c" * 64


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(remote), str(folder))
    for name, text in (
        ("CHANGELOG.md", CHANGELOG),
        ("deploy_action/__init__.py", PACKAGE),
        ("Dockerfile", DOCKERFILE),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "feat: a bell")
    git(folder, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    return Checkout(folder)


class TestChangelog:
    def test_the_newest_release_and_its_notes_are_read(self) -> None:
        assert str(newest(CHANGELOG).version) == "1.2.0"
        assert notes(CHANGELOG, parse_version("1.2.0")) == "### Added\n\n- A bell.\n"
        assert notes(CHANGELOG, parse_version("1.1.9")) == "### Fixed\n\n- A whistle.\n"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("# Changelog\n", "names no release"),
            ("## [Unreleased]\n\n- x\n\n## [1.0.0] - 2026-01-01\n\n- y\n", "still has entries"),
            ("## [1.0.0]\n\n- y\n", "needs its date"),
            ("## [1.0.0] - soon\n\n- y\n", "needs its date"),
            ("## [1.0] - 2026-01-01\n\n- y\n", "no version"),
            ("## 1.0.0\n\n- y\n", "neither"),
            ("## [1.0.0] - 2026-01-01\n", "Nothing is written"),
        ],
    )
    def test_what_is_not_ready_is_told(self, text: str, words: str) -> None:
        with pytest.raises(ChangelogError, match=words):
            newest(text)

    def test_a_version_that_is_not_named_has_no_notes(self) -> None:
        with pytest.raises(ChangelogError, match="does not name 9"):
            notes(CHANGELOG, parse_version("9.0.0"))

    @pytest.mark.parametrize("text", ["v1.2.3", "1.2", "01.2.3", "1.2.3-beta", "1.2.3-rc.", "1.2.3 ", ""])
    def test_only_versions_are_versions(self, text: str) -> None:
        with pytest.raises(ChangelogError):
            parse_version(text)

    def test_ours_is_in_this_form(self) -> None:
        found = sections((ROOT / "CHANGELOG.md").read_text("utf-8"))
        assert found[0].title == "Unreleased"


class TestPlan:
    def test_it_says_what_is_released(self) -> None:
        lines = plan(CHANGELOG, PACKAGE, ["v1", "v1.1.9"], "release/1.2.0").lines
        assert lines == "version=1.2.0\ntag=v1.2.0\nmajor=v1\nmoves-major=true\nprerelease=false\n"

    def test_a_candidate_is_one_in_both_spellings(self) -> None:
        changelog = CHANGELOG.replace("[1.2.0]", "[1.2.0-rc.1]")
        found = plan(changelog, PACKAGE.replace("1.2.0", "1.2.0rc1"), ["v1", "v1.1.9"])
        assert (found.version.tag, found.moves_major) == ("v1.2.0-rc.1", False)
        assert "prerelease=true" in found.lines

    @pytest.mark.parametrize(
        ("package", "tags", "request_", "words"),
        [
            (PACKAGE.replace("1.2.0", "1.3.0"), [], "", "says 1.3.0: set"),
            (PACKAGE, [], "release/1.3.0", "asks for another version"),
            (PACKAGE, ["v1.2.0"], "", "never changes"),
        ],
    )
    def test_what_does_not_agree_is_refused(
        self, package: str, tags: list[str], request_: str, words: str
    ) -> None:
        with pytest.raises(ReleaseError, match=words):
            plan(CHANGELOG, package, tags, request_)

    @pytest.mark.parametrize(
        ("version", "tags", "moves"),
        [
            ("1.0.0", [], True),
            ("1.2.0", ["v1", "v1.1.9", "v2.0.0", "vnext", "1.9.9"], True),
            ("1.10.0", ["v1.9.0"], True),
            ("1.1.10", ["v1.2.0"], False),
            ("1.2.0", ["v1.2.0-rc.2"], True),
            ("1.2.0", ["v1.3.0-rc.1"], True),
            ("1.2.0-rc.1", [], False),
        ],
    )
    def test_the_major_tag_moves_to_the_newest_only(self, version: str, tags: list[str], moves: bool) -> None:
        assert moves_major(parse_version(version), tags) is moves


class TestDockerfile:
    def test_the_base_image_is_named_by_its_digest(self) -> None:
        sealed = sealed_dockerfile((ROOT / "Dockerfile").read_text("utf-8"), BASE)
        assert f"-slim-bookworm@{BASE}\n" in sealed
        assert sealed_dockerfile(sealed, BASE) == sealed
        assert base_image(sealed) == "python:3.13-slim-bookworm"

    @pytest.mark.parametrize("text", ["FROM python\n", DOCKERFILE + "ARG PYTHON=3.14-slim\n"])
    def test_a_file_that_does_not_name_it_once_is_refused(self, text: str) -> None:
        with pytest.raises(ReleaseError, match="has to be once"):
            sealed_dockerfile(text, BASE)

    def test_a_digest_is_one(self) -> None:
        with pytest.raises(ReleaseError, match="no digest"):
            sealed_dockerfile(DOCKERFILE, "latest")


class TestPublish:
    def test_one_commit_on_no_branch_has_the_digests_and_both_tags(self, checkout: Checkout) -> None:
        main = git(checkout.folder, "rev-parse", "HEAD")
        commit = checkout.publish(parse_version("1.2.0"), IMAGE, BASE)
        tags = checkout.remote_tags()
        assert tags == {"v1.2.0": commit, "v1": commit}
        assert git(checkout.folder, "rev-parse", f"{commit}^") == main
        assert git(checkout.folder, "ls-remote", "origin", "refs/heads/main").startswith(main)
        assert git(checkout.folder, "show", f"{commit}:image.digest") == IMAGE
        dockerfile = git(checkout.folder, "show", f"{commit}:Dockerfile")
        assert dockerfile.startswith(f"ARG PYTHON=3.13-slim@{BASE}\n")
        changed = git(checkout.folder, "diff", "--name-only", main, commit).split()
        assert changed == ["Dockerfile", "image.digest"]

    def test_the_major_tag_moves_from_release_to_release(self, checkout: Checkout) -> None:
        first = checkout.publish(parse_version("1.2.0"), IMAGE, BASE)
        git(checkout.folder, "checkout", "--quiet", f"{first}^")
        second = checkout.publish(parse_version("1.2.1"), OTHER_IMAGE, BASE)
        assert checkout.remote_tags() == {"v1.2.0": first, "v1.2.1": second, "v1": second}

    def test_a_repair_of_an_older_line_leaves_the_major_tag(self, checkout: Checkout) -> None:
        newer = checkout.publish(parse_version("1.3.0"), IMAGE, BASE)
        git(checkout.folder, "checkout", "--quiet", f"{newer}^")
        checkout.publish(parse_version("1.2.1"), OTHER_IMAGE, BASE)
        assert checkout.remote_tags()["v1"] == newer

    def test_the_same_again_changes_nothing(self, checkout: Checkout, tmp_path: Path) -> None:
        commit = checkout.publish(parse_version("1.2.0"), IMAGE, BASE)
        fresh = tmp_path / "fresh"
        git(tmp_path, "clone", "--quiet", "--branch", "main", str(tmp_path / "remote.git"), str(fresh))
        before = checkout.remote_tags()
        assert Checkout(fresh).publish(parse_version("1.2.0"), IMAGE, BASE) == commit
        assert checkout.remote_tags() == before

    def test_a_release_never_changes(self, checkout: Checkout) -> None:
        checkout.publish(parse_version("1.2.0"), IMAGE, BASE)
        before = checkout.remote_tags()
        with pytest.raises(ReleaseError, match="never changes"):
            checkout.publish(parse_version("1.2.0"), OTHER_IMAGE, BASE)
        assert checkout.remote_tags() == before

    def test_of_two_releases_at_once_the_second_pushes_nothing(
        self, checkout: Checkout, tmp_path: Path
    ) -> None:
        late = tmp_path / "late"
        git(tmp_path, "clone", "--quiet", "--branch", "main", str(tmp_path / "remote.git"), str(late))
        # Between the second one's look and its push, the first one moves the tag.
        main = git(checkout.folder, "rev-parse", "HEAD")
        hook = late / ".git" / "hooks" / "post-commit"
        move = f"git --git-dir '{tmp_path}/remote.git' update-ref refs/tags/v1 {main}"
        hook.write_text(f"#!/bin/sh\nunset GIT_DIR GIT_INDEX_FILE\nexec {move}\n")
        hook.chmod(0o755)
        with pytest.raises(ReleaseError, match="push"):
            Checkout(late).publish(parse_version("1.2.1"), OTHER_IMAGE, BASE)
        assert checkout.remote_tags() == {"v1": main}

    @pytest.mark.parametrize("image", ["org/name:latest", "registry.example/x@sha256:abc", "a b@" + BASE, ""])
    def test_an_image_is_named_by_its_digest(self, checkout: Checkout, image: str) -> None:
        with pytest.raises(ReleaseError, match="by its digest"):
            checkout.publish(parse_version("1.2.0"), image, BASE)
        assert checkout.remote_tags() == {}


class TestCommands:
    def test_plan_and_notes_are_printed(self, checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
        assert release.main(["plan", "--request", "release/1.2.0"], checkout.folder) == 0
        assert "tag=v1.2.0\n" in capsys.readouterr().out
        assert release.main(["notes", "1.2.0"], checkout.folder) == 0
        assert capsys.readouterr().out == "### Added\n\n- A bell.\n"
        assert release.main(["base"], checkout.folder) == 0
        assert capsys.readouterr().out == "python:3.13-slim\n"

    def test_a_refusal_is_an_annotation(self, checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
        assert release.main(["plan", "--request", "release/7.0.0"], checkout.folder) == 1
        assert capsys.readouterr().err.startswith("::error title=release::The tag release/7.0.0 asks")

    def test_publish_prints_the_commit(self, checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
        assert release.main(["publish", "1.2.0", "--image", IMAGE, "--base", BASE], checkout.folder) == 0
        assert capsys.readouterr().out.strip() == checkout.remote_tags()["v1"]
