"""What the release workflow decides and does with git.

    python3 -m tools.release plan [--request TAG]        which version this is; lines for GITHUB_OUTPUT
    python3 -m tools.release base                        the base image that the Dockerfile names
    python3 -m tools.release notes VERSION               the text of its page
    python3 -m tools.release publish VERSION --image REF --base DIGEST

`publish` makes one commit on top of the present one that names the image (`image.digest`) and its base
(`Dockerfile`) by their digests, tags it `vX.Y.Z`, moves `vX` to it, and pushes both in one go. The commit is
on no branch: there, `image.digest` would soon run older code than the files beside it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.changelog import ChangelogError, Version, newest, notes, parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REQUEST_PREFIX = "release/"
DIGEST_FILE = "image.digest"
PACKAGE = "deploy_action/__init__.py"
AUTHOR = ("github-actions[bot]", "41898282+github-actions[bot]@users.noreply.github.com")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
_BASE = re.compile(r"^(ARG PYTHON=[^\s@]+)(@\S+)?$", re.MULTILINE)
_PACKAGE_VERSION = re.compile(r'^__version__ = "([^"]*)"$', re.MULTILINE)
_RELEASE_TAG = re.compile(r"^v(\d.*)$")


class ReleaseError(Exception):
    """Why there is no release. Nothing was pushed. The message is for people."""


@dataclass(frozen=True, slots=True)
class Plan:
    version: Version
    moves_major: bool
    """Whether `vMAJOR` points to this release: it does unless a newer one of that major is out."""

    @property
    def lines(self) -> str:
        return (
            f"version={self.version}\ntag={self.version.tag}\nmajor=v{self.version.major}\n"
            f"moves-major={str(self.moves_major).lower()}\n"
            f"prerelease={str(self.version.candidate is not None).lower()}\n"
        )


def plan(changelog: str, package: str, tags: Iterable[str], request: str = "") -> Plan:
    """What is to be released.

    `package` is the text of deploy_action/__init__.py, `request` the tag that asked for it, such as
    `release/1.2.3`, or empty. Raises ReleaseError where files, request and tags do not agree.
    """
    try:
        version = newest(changelog).version
    except ChangelogError as error:
        raise ReleaseError(f"CHANGELOG.md is not ready: {error}") from error
    assert version is not None
    named = _PACKAGE_VERSION.findall(package)
    wanted = _python_version(version)
    if named != [wanted]:
        raise ReleaseError(
            f"CHANGELOG.md says {version}, {PACKAGE} says {', '.join(named)}: set `__version__` to {wanted}."
        )
    if request and request != f"{REQUEST_PREFIX}{version}":
        raise ReleaseError(
            f"The tag {request} asks for another version than CHANGELOG.md names ({version}): "
            f"delete the tag, and push {REQUEST_PREFIX}{version} once the file is right."
        )
    known = set(tags)
    if version.tag in known:
        raise ReleaseError(f"{version.tag} is out, and a release never changes: raise the version.")
    return Plan(version, moves_major(version, known))


def moves_major(version: Version, tags: Iterable[str]) -> bool:
    """A candidate moves nothing, and neither does a repair of an older line."""
    if version.candidate is not None:
        return False
    others = [other for other in map(_released, tags) if other is not None and other.major == version.major]
    return all(other.candidate is not None or other.order <= version.order for other in others)


def base_image(dockerfile: str) -> str:
    """Such as `python:3.13-slim-bookworm`, without a digest. Raises ReleaseError."""
    named = _BASE.findall(dockerfile)
    if len(named) != 1:
        raise ReleaseError(f"Dockerfile has {len(named)} lines `ARG PYTHON=`; it has to be once.")
    return f"python:{named[0][0].partition('=')[2]}"


def sealed_dockerfile(text: str, base_digest: str) -> str:
    """The Dockerfile with its base image by digest. Raises ReleaseError."""
    if _DIGEST.fullmatch(base_digest) is None:
        raise ReleaseError(f"{base_digest!r} is no digest of a base image.")
    base_image(text)
    return _BASE.sub(rf"\g<1>@{base_digest}", text)


def _released(tag: str) -> Version | None:
    match = _RELEASE_TAG.match(tag)
    try:
        return parse_version(match[1]) if match else None
    except ChangelogError:
        return None


def _python_version(version: Version) -> str:
    return str(version).replace("-rc.", "rc")


@dataclass(frozen=True, slots=True)
class _Ref:
    value: str
    """What the ref itself holds: a commit, or the object of an annotated tag."""
    commit: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clone whose `origin` is the repository on GitHub."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def remote_tags(self) -> dict[str, str]:
        """Name and commit of each tag of `origin`; of an annotated one the commit that it names."""
        return {name: ref.commit for name, ref in self._look().items()}

    def _look(self) -> dict[str, _Ref]:
        found: dict[str, _Ref] = {}
        for line in self.git("ls-remote", "--tags", "origin").splitlines():
            value, _, name = line.partition("\t")
            name = name.removeprefix("refs/tags/")
            # The line of an annotated tag is followed by one with `^{}` that tells the commit.
            tag = name.removesuffix("^{}")
            found[tag] = _Ref(found[tag].value if tag != name else value, value)
        return found

    def publish(self, version: Version, image: str, base_digest: str) -> str:
        """Seals, tags and pushes. Returns the commit of the release. Raises ReleaseError.

        The same call again changes nothing, so a job that failed afterwards can be run again.
        """
        if _IMAGE.fullmatch(image) is None:
            raise ReleaseError(f"{image!r} does not name an image by its digest.")
        sealed = sealed_dockerfile(self.text("Dockerfile"), base_digest)
        tags = self._look()
        if version.tag in tags:
            return self._same_release(version, tags[version.tag].commit, image)
        (self.folder / DIGEST_FILE).write_text(f"{image}\n", "utf-8")
        (self.folder / "Dockerfile").write_text(sealed, "utf-8")
        self.git("add", "--", DIGEST_FILE, "Dockerfile")
        name, mail = AUTHOR
        who = ("-c", f"user.name={name}", "-c", f"user.email={mail}")
        self.git(*who, "commit", "--quiet", "--message", f"chore(release): {version.tag}")
        commit = self.git("rev-parse", "HEAD").strip()
        self.git(*who, "tag", "--annotate", "--message", f"deploy-coordinator {version}", version.tag)
        push = ["push", "--atomic", "--quiet"]
        refs = [f"refs/tags/{version.tag}"]
        if moves_major(version, tags):
            major = f"v{version.major}"
            seen = tags[major].value if major in tags else ""
            # Only from where it was seen: of two releases at once, the second fails and is run again.
            push.append(f"--force-with-lease=refs/tags/{major}:{seen}")
            refs.append(f"{commit}:refs/tags/{major}")
        self.git(*push, "origin", *refs)
        return commit

    def _same_release(self, version: Version, commit: str, image: str) -> str:
        self.git("fetch", "--quiet", "origin", f"refs/tags/{version.tag}")
        if self.git("show", f"{commit}:{DIGEST_FILE}").strip() != image:
            raise ReleaseError(f"{version.tag} is out with another image, and a release never changes.")
        return commit

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, capture_output=True, encoding="utf-8", check=False
        )
        if done.returncode != 0:
            raise ReleaseError(f"`git {arguments[0]}` failed: {done.stderr.strip()}")
        return done.stdout


def main(arguments: Sequence[str], folder: Path = Path()) -> int:
    parser = argparse.ArgumentParser(prog="release", description="Decides and publishes a release.")
    commands = parser.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan", help="say which version this is")
    planning.add_argument("--request", default="", help="the tag that asked for it")
    commands.add_parser("base", help="print the base image")
    noting = commands.add_parser("notes", help="print the notes of a version")
    noting.add_argument("version")
    publishing = commands.add_parser("publish", help="seal, tag and push")
    publishing.add_argument("version")
    publishing.add_argument("--image", required=True, help="REGISTRY/NAME@sha256:...")
    publishing.add_argument("--base", required=True, help="sha256:... of the base image")
    chosen = parser.parse_args(arguments)
    checkout = Checkout(folder)
    try:
        if chosen.command == "plan":
            found = plan(
                checkout.text("CHANGELOG.md"),
                checkout.text(PACKAGE),
                checkout.remote_tags(),
                chosen.request,
            )
            print(found.lines, end="")
        elif chosen.command == "base":
            print(base_image(checkout.text("Dockerfile")))
        elif chosen.command == "notes":
            print(notes(checkout.text("CHANGELOG.md"), parse_version(chosen.version)), end="")
        else:
            print(checkout.publish(parse_version(chosen.version), chosen.image, chosen.base))
    except (ReleaseError, ChangelogError) as error:
        print(f"::error title=release::{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
