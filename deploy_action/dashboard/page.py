"""The dashboard: one page with all that it needs inside, which asks no network for anything.

Its policy allows the page's own script and style by their hashes, and nothing else at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deploy_action.common.times import iso
from deploy_action.dashboard import sections
from deploy_action.dashboard.cause_groups import cause_groups
from deploy_action.dashboard.metrics import DAY, figures
from deploy_action.dashboard.page_data import page_data, script_json
from deploy_action.dashboard.restore_times import broken_now
from deploy_action.data import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.dashboard.live import Live
    from deploy_action.dashboard.metrics import Restore
    from deploy_action.dashboard.timeline import Entry

SCRIPTS = ("figures.js", "view.js", "charts.js", "tables.js", "page.js")
CHART_SCRIPT, CHART_STYLE = "vendor/uPlot.iife.min.js", "vendor/uPlot.min.css"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def page(
    entries: Sequence[Entry],
    restores: Mapping[str, Restore],
    unusual: Mapping[str, Sequence[str]],
    *,
    source: str,
    notices: Sequence[str],
    now: WallTime,
    live: Live | None = None,
) -> str:
    """The whole document. `source` says where the history came from; `notices` are sentences about what is
    missing; `live` is None where the registry was not asked. All of them may hold text from outside."""
    style = "\n".join(read_table(name) for name in (CHART_STYLE, "dashboard/style.css"))
    script = "\n".join(read_table(name) for name in (CHART_SCRIPT, *(f"dashboard/{one}" for one in SCRIPTS)))
    count = len(entries)
    repositories = {entry.repository for entry in entries}
    several = len(repositories) > 1
    (repository,) = repositories if len(repositories) == 1 else ("",)
    parts = {
        "policy": (
            f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "script": script,
        "source": sections.text(source, 1_000),
        "broken": sections.broken(broken_now(entries), several=several),
        "live": sections.live(live),
        "still": sections.without_script(entries, restores, several=several, now=now),
        "generated": iso(now),
        "count": f"{count:,} deployment{'' if count == 1 else 's'}"
        + (f" of {sections.text(repository)}" if repository else ""),
        "notices": "".join(f"<li>{sections.text(one, 1_000)}</li>" for one in notices),
        "nonotices": "" if notices else " hidden",
        "empty": " hidden" if entries else "",
        "data": script_json(page_data(entries, restores, unusual, now=now)),
    }
    return _PLACE.sub(lambda match: parts[match[1]], read_table("dashboard/page.html"))


def machine_data(
    entries: Sequence[Entry],
    restores: Mapping[str, Restore],
    unusual: Mapping[str, Sequence[str]],
    *,
    notices: Sequence[str],
    now: WallTime,
) -> dict[str, Any]:
    """The same figures for machines: altogether, of the last 30 days, and of each environment."""

    def told(chosen: Sequence[Entry], since: float) -> dict[str, Any]:
        return asdict(figures(chosen, restores, since=since, until=now))

    first = entries[0].ended if entries else now
    month = now - 30 * DAY
    environments = sorted({entry.environment for entry in entries})
    return {
        "schema": 1,
        "generated_at": iso(now),
        "missing": list(notices),
        "all": told(entries, first),
        "last_30_days": told([entry for entry in entries if entry.ended >= month], month),
        "environments": {
            name: told([entry for entry in entries if entry.environment == name], first)
            for name in environments
        },
        "causes": [
            {"cause": one.name, "failures": one.count, "stacks": dict(one.stacks)}
            for one in cause_groups(entries)
        ],
        "broken": [
            {
                "stack": one.stack,
                "environment": one.environment,
                "since": iso(one.since),
                "tries": one.tries,
                "cause": one.last.cause,
                "url": one.last.url,
            }
            for one in broken_now(entries)
        ],
        "unusual": [
            {
                "correlation_id": entry.deployment.correlation_id,
                "ended_at": iso(entry.ended),
                "environment": entry.environment,
                "stacks": list(entry.stacks),
                "why": list(unusual[entry.deployment.correlation_id]),
            }
            for entry in entries
            if entry.deployment.correlation_id in unusual
        ],
    }


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
