"""CHANGELOG.md in the form of Keep a Changelog: which versions it names and what it says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
_RELEASE = re.compile(r"^\[(?P<version>[^\]]+)\](?: - (?P<date>\S+))?$")
_LINK = re.compile(r"^\[[^\]]+\]: \S+$\n?", re.MULTILINE)
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-rc\.(0|[1-9]\d*))?")


class ChangelogError(Exception):
    """The file does not say what it has to say, or not in its form. The message is for people."""


@dataclass(frozen=True, slots=True)
class Version:
    """`1.2.3`, or `1.2.3-rc.4` for a candidate of it."""

    major: int
    minor: int
    patch: int
    candidate: int | None = None

    def __str__(self) -> str:
        end = "" if self.candidate is None else f"-rc.{self.candidate}"
        return f"{self.major}.{self.minor}.{self.patch}{end}"

    @property
    def tag(self) -> str:
        return f"v{self}"

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """A candidate comes before what it is a candidate of."""
        final = self.candidate is None
        return self.major, self.minor, self.patch, int(final), self.candidate or 0


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    version: Version | None
    released: date | None
    text: str


def parse_version(text: str) -> Version:
    """Raises ChangelogError for anything but `MAJOR.MINOR.PATCH` with or without `-rc.NUMBER`."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ChangelogError(f"{text!r} is no version such as 1.2.3 or 1.2.3-rc.1.")
    major, minor, patch, candidate = match.groups()
    return Version(int(major), int(minor), int(patch), None if candidate is None else int(candidate))


def sections(changelog: str) -> tuple[Section, ...]:
    """In the order of the file, without the addresses of links at its end. Raises ChangelogError."""
    changelog = _LINK.sub("", changelog)
    found = []
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings[1:]), len(changelog)]
    for heading, end in zip(headings, ends, strict=False):
        found.append(_section(heading[1].strip(), changelog[heading.end() : end].strip()))
    return tuple(found)


def _section(heading: str, text: str) -> Section:
    match = _RELEASE.fullmatch(heading)
    if match is None:
        raise ChangelogError(
            f"The heading '## {heading}' is neither '## [{UNRELEASED}]' nor one such as '## [1.2.3] - DATE'."
        )
    title, day = match["version"], match["date"]
    if title == UNRELEASED:
        return Section(title, None, None, text)
    version = parse_version(title)
    try:
        return Section(title, version, date.fromisoformat(day or ""), text)
    except ValueError:
        problem = f"The heading of {title} needs its date, as in '## [{title}] - 2026-01-31'."
        raise ChangelogError(problem) from None


def newest(changelog: str) -> Section:
    """The release that the file names first. Raises ChangelogError if something above it is not."""
    for section in sections(changelog):
        if section.version is None:
            if section.text:
                raise ChangelogError(
                    f"'## [{UNRELEASED}]' still has entries: move them below the heading of the release."
                )
            continue
        if not section.text:
            raise ChangelogError(f"Nothing is written about {section.title}.")
        return section
    raise ChangelogError("CHANGELOG.md names no release.")


def notes(changelog: str, version: Version) -> str:
    """What is said about one release, for its page. Raises ChangelogError where it is not named."""
    for section in sections(changelog):
        if section.version == version:
            return section.text + "\n"
    raise ChangelogError(f"CHANGELOG.md does not name {version}.")
