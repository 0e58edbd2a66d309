"""The parts of the page that need no script: what is broken, who deploys, figures, the last deployments."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.common.times import date_time, duration, iso
from deploy_action.dashboard.metrics import DAY, figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.dashboard.live import Live
    from deploy_action.dashboard.metrics import Figures, Restore, Typical
    from deploy_action.dashboard.restore_times import Outage
    from deploy_action.dashboard.timeline import Entry

LAST = 50
OUTAGES_MAX = 100
STACKS_MAX = 3
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/[\w./?=&%#~+:@-]*", re.ASCII)


def web_address(url: str) -> str:
    """The address, or an empty text for what is no address of the web."""
    return url if _ADDRESS.fullmatch(url) else ""


def text(words: str, limit: int = 300) -> str:
    """For HTML, whatever the words are."""
    return html.escape(one_line(words, limit).encode("utf-8", "replace").decode())


def broken(outages: Sequence[Outage], *, several: bool) -> str:
    """A table; empty where nothing is broken. `several`: repositories are shown to tell them apart."""
    rows = [
        [
            text(one.stack or "no stack known"),
            *_repository(one.last, several),
            text(one.environment),
            _time(one.since),
            str(one.tries),
            text(one.last.cause) or "not known",
            _link(one.last.url, "Last run", f"Last run on {one.stack}"),
        ]
        for one in outages[:OUTAGES_MAX]
    ]
    if not rows:
        return ""
    more = f"<p>And {len(outages) - OUTAGES_MAX:,} more.</p>" if len(outages) > OUTAGES_MAX else ""
    head = ("Stack", *_repository_head(several), "Environment", "Since", "Tries", "Last cause", "Run")
    return _section("broken", "Broken now", _table("Broken now", head, rows) + more, "panel alarm")


def live(found: Live | None) -> str:
    """Running and waiting deployments; empty where the registry was not asked."""
    if found is None:
        return ""
    rows = [
        [
            "deploys" if one.holding else "waits",
            text(", ".join(one.locks)),
            text(", ".join(one.stacks[:STACKS_MAX]) + (" and more" if len(one.stacks) > STACKS_MAX else "")),
            text(" · ".join(part for part in (one.actor, one.repository) if part)),
            _time(one.since),
            _time(one.expected_end),
            _link(one.url, "Run", f"Run of {one.correlation_id}"),
        ]
        for one in found.deploying
    ]
    frozen = "".join(
        f"<li>{text(name)} is frozen by {text(one.by)} since {text(one.since)}, "
        f"{f'until {text(one.until)}' if one.until else 'until somebody lifts it'}: {text(one.reason)}</li>"
        for name, one in found.freezes
    )
    head = ("State", "Locks", "Stacks", "By", "Since", "Expected end", "Run")
    shown = _table("Now", head, rows) if rows else '<p class="nothing">Nobody deploys, and nobody waits.</p>'
    shown += f'<ul class="freezes">{frozen}</ul>' if frozen else ""
    hint = f'<p class="hint">As of {_time(found.as_of)}; this page does not follow.</p>'
    return _section("now", "Now", hint + shown, "panel")


def without_script(
    entries: Sequence[Entry], restores: Mapping[str, Restore], *, several: bool, now: WallTime
) -> str:
    """Figures and the newest deployments. `several`: as in `broken`."""
    if not entries:
        return ""
    month = [entry for entry in entries if entry.ended >= now - 30 * DAY]
    columns = [
        figures(month, restores, since=now - 30 * DAY, until=now),
        figures(entries, restores, since=entries[0].ended, until=now),
    ]
    rows = [[name, *(show(one) for one in columns)] for name, show in _FIGURES]
    newest = [_row(entry, several=several) for entry in reversed(entries[-LAST:])]
    repository = _repository_head(several)
    head = (
        "Ended",
        "Stacks",
        *repository,
        "Environment",
        "Outcome",
        "Duration",
        "Queue",
        "By",
        "Cause",
        "Run",
    )
    return _section(
        "figures",
        "Figures",
        _table("Figures", ("", "Last 30 days", "All"), rows),
        "panel",
    ) + _section("last", f"The last {len(newest)}", _table("Last deployments", head, newest), "panel")


def _repository_head(several: bool) -> tuple[str, ...]:
    return ("Repository",) if several else ()


def _repository(entry: Entry, several: bool) -> tuple[str, ...]:
    return (text(entry.repository) or "not known",) if several else ()


def _row(entry: Entry, *, several: bool) -> list[str]:
    more = f" and {len(entry.stacks) - STACKS_MAX} more" if len(entry.stacks) > STACKS_MAX else ""
    return [
        _time(entry.ended),
        text(", ".join(entry.stacks[:STACKS_MAX]) + more),
        *_repository(entry, several),
        text(entry.environment),
        entry.words,
        _seconds(entry.deployment.seconds),
        _seconds(entry.queue_seconds),
        text(entry.actor),
        text(entry.cause),
        _link(entry.url, "Run", f"Run of {entry.deployment.correlation_id}"),
    ]


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else duration(seconds)


def _typical(found: Typical | None) -> str:
    return "–" if found is None else f"{duration(found.median)} (9 of 10 below {duration(found.p90)})"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _failures(one: Figures) -> str:
    return f"{_share(one.failure_rate)} ({one.failed:,} of {one.succeeded + one.failed:,})"


# Shown without script only; with it, `cards` of data/dashboard/page.js shows the same.
_FIGURES = (
    ("Deployments", lambda one: f"{one.count:,} ({one.succeeded:,} succeeded)"),
    ("Failure rate", _failures),
    ("Time to restore", lambda one: _typical(one.restore)),
    ("Not restored yet", lambda one: f"{one.open_failures:,}"),
    ("Lead time, from the commit", lambda one: _typical(one.lead)),
    ("From request to end", lambda one: _typical(one.turnaround)),
    ("Queue time", lambda one: _typical(one.queue)),
    ("Duration", lambda one: _typical(one.duration)),
    ("Estimates held", lambda one: _share(one.coverage)),
)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f'<time datetime="{iso(seconds)}">{date_time(seconds)[:16]}</time>'


def _link(url: str, words: str, label: str) -> str:
    address = web_address(url)
    if not address:
        return ""
    return (
        f'<a href="{html.escape(address)}" rel="noopener noreferrer" aria-label="{text(label)}">{words}</a>'
    )


def _section(name: str, title: str, content: str, kind: str) -> str:
    return (
        f'<section class="{kind}" id="{name}" aria-labelledby="h-{name}">'
        f'<h2 id="h-{name}">{title}</h2>{content}</section>'
    )


def _table(label: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already; the first of each row names it."""
    heads = "".join(f'<th scope="col">{one}</th>' for one in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(
            f'<td data-label="{name}">{cell}</td>' for name, cell in zip(head[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {label}"><table class="stacked">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
