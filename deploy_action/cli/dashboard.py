"""A page about all deployments."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import click
from click.core import ParameterSource

from deploy_action.cli import NOT_FOUND
from deploy_action.cli.common import RegistrySession, UsageError, echo, warn, with_registry
from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.archive import ARCHIVE_BYTES_MAX, notices, opened
from deploy_action.dashboard.badge import badge
from deploy_action.dashboard.live import Live, live_of
from deploy_action.dashboard.page import machine_data, page
from deploy_action.dashboard.restore_times import broken_now, restores_of
from deploy_action.history.files import whole

PAGE, DATA = "index.html", "data.json"


@click.command()
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help=f"Gets {PAGE}; made if needed.",
)
@click.option(
    "--history",
    "paths",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A history file, or a folder of them (*.json), instead of the registry's; may be given several "
    "times. With --registry both are read.",
)
@click.option(
    "--badge",
    "badges",
    metavar="FILE",
    multiple=True,
    help="Also a badge for a README, such as production.svg: of the environment that the file is named "
    "after, when it was last deployed well, or since when it is broken; may be given several times.",
)
@click.option("--json", "machine", is_flag=True, help=f"Also the figures for machines, in {DATA}.")
@with_registry
def command(
    desk: RegistrySession, *, out: Path, paths: tuple[Path, ...], badges: tuple[str, ...], machine: bool
) -> int:
    """Write one HTML page about all deployments: how often, how fast, how well, and what stands out.

    It holds all that it needs and loads nothing. Exit code 1: it is written, but a whole history could not
    be read; the page says which.
    """
    histories: list[tuple[str, bytes | None]] = [
        (file.name, _content(file)) for path in paths for file in _files(path)
    ]
    sources = [_words(len(histories))] if paths else []
    told = click.get_current_context().get_parameter_source("registry")
    live: Live | None = None
    if not paths or told is ParameterSource.COMMANDLINE:
        live = live_of(desk.document(), now=desk.clock.now())
        where = desk.registry.location
        histories += [(f"{name} in {where}", content) for name, content in desk.beside(whole)]
        sources.append(desk.registry.location)
    now = desk.clock.now()
    timeline, damaged = opened(histories, now=now)
    missing = notices(timeline, damaged)
    entries = timeline.entries
    restores, unusual = restores_of(entries), unusual_of(entries)
    text = page(entries, restores, unusual, source=" and ".join(sources), notices=missing, now=now, live=live)
    names = [_badge_name(one) for one in badges]
    try:
        if machine:
            found = machine_data(entries, restores, unusual, notices=missing, now=now)
            _write(out / DATA, json.dumps(found, indent=1) + "\n")
        for name in names:
            _write(out / name, badge(Path(name).stem, entries, broken_now(entries)))
        _write(out / PAGE, text)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}.") from error
    for one in missing:
        warn(one)
    count = f"{len(entries):,} deployment{'' if len(entries) == 1 else 's'}"
    echo(f"{count}, {len(unusual):,} of them unusual: {out / PAGE}")
    return NOT_FOUND if damaged else 0


def _badge_name(name: str) -> str:
    """Raises UsageError for what is no name of a file beside the page."""
    if Path(name).name != name or Path(name).suffix != ".svg" or name.startswith("."):
        raise UsageError(f"`{name}` is no name of a badge: write ENVIRONMENT.svg, without a folder.")
    return name


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.glob("*.json") if one.is_file())
    if not found:
        raise UsageError(f"There is no *.json in {path}.")
    return found


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(ARCHIVE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error


def _words(count: int) -> str:
    return f"{count:,} history file{'' if count == 1 else 's'}"


def _write(file: Path, text: str) -> None:
    """Whole or not at all: who serves the folder never serves half a page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
