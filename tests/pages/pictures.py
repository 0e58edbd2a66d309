"""Draws the README's pictures from jobs that really ran: `python -m tests.pages.pictures docs/images`.

The launcher runs the steps, against servers of our own and with time sped up (`tests.pages.runs`). The
summaries are those that the jobs wrote, the messages those that Slack was sent, the dashboard that of the
registry which they left. Needs node, npm and Chromium; takes some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy_action.dashboard.metrics import DAY
from tests.pages.picture import draw
from tests.pages.plan_comment import draw_plan
from tests.pages.runs import Runs
from tests.slack.picture_of_slack import Told, draw_slack, made_small

BEGIN = 1_793_700_000.0
"""2026-11-03T10:00:00Z, a Tuesday."""
DAYS = (0, 1, 2, 3, 6, 7, 7.9, 8, 10, 13, 14)
BAD_DAYS = frozenset({7.9})
DASHBOARD = (1280, 1320)


def main(folder: Path) -> None:
    need_emoji()
    with tempfile.TemporaryDirectory() as place, Runs(Path(place) / "runs") as runs:
        for number, day in enumerate(DAYS):
            runs.set_time(BEGIN + day * DAY)
            job = runs.deploy(f"1.{number}", broken=day in BAD_DAYS)
            print(f"day {day}: {job.outputs.get('outcome')}", flush=True)
        runs.set_time(BEGIN + 16 * DAY)
        _, waited = runs.deploy_two("2.0", "2.1", apart_seconds=1.5)
        runs.set_time(BEGIN + 17 * DAY)
        failed = runs.deploy("2.2", broken=True, stall_after_in_minutes="3")
        draw(waited.summary, folder / "summary.png")
        draw(failed.summary, folder / "summary-failed.png", log=failed.log)
        draw_slack(_told(runs, waited.outputs, failed.outputs), folder / "slack.png")
        runs.set_time(BEGIN + 17.1 * DAY)
        _draw_dashboard(runs, folder / "dashboard.png")
    with tempfile.TemporaryDirectory() as place, Runs(Path(place) / "runs") as runs:
        runs.set_time(BEGIN)
        draw_plan(runs, folder / "plan.png")


def need_emoji() -> None:
    """Without a font for them each would be drawn as an empty box."""
    fonts = subprocess.run(["fc-list", ":charset=1f680"], capture_output=True, text=True, check=False).stdout
    if "emoji" not in fonts.lower():
        raise SystemExit(
            "No font here has emoji. Install fonts-noto-color-emoji, fonts-lato and fonts-inter."
        )


def _told(runs: Runs, waited: dict[str, str], failed: dict[str, str]) -> list[Told]:
    """What is shown of all that Slack was sent, in the order of time."""
    (good,) = [one for one in runs.slack.messages if one.ts == waited["slack-thread-ts"]]
    (bad,) = [one for one in runs.slack.messages if one.ts == failed["slack-thread-ts"]]
    states = [version for version in good.versions if version.get("blocks")]
    queued = next(one for one in states if "queue" in str(one["text"]))
    # A message whose deployment ended while it was away has its last state alone.
    stuck = next(one for one in bad.versions if "may be stuck" in str(one.get("text")))
    working = [one for one in states if "Deploying" in str(one["text"])] or states
    return [
        Told("1 · QUEUED", queued, float(good.ts)),
        Told("2 · PROGRESS, THE SAME MESSAGE", working[len(working) // 2], float(good.ts), edited=True),
        Told(
            "3 · COMPLETE, AND ITS THREAD",
            good.content,
            float(good.ts),
            edited=True,
            replies=tuple((one.content, float(one.ts)) for one in runs.slack.replies(good.ts)),
        ),
        Told(
            "ANOTHER ONE STANDS STILL",
            stuck,
            float(bad.ts),
            edited=True,
            replies=tuple((one.content, float(one.ts)) for one in runs.slack.replies(bad.ts)[:1]),
        ),
        Told("AND FAILS, THE SAME MESSAGE", bad.content, float(bad.ts), edited=True),
        *(
            Told("IN THE ALERT CHANNEL", one.content, float(one.ts))
            for one in runs.slack.in_channel("alerts")[-1:]
        ),
    ]


def _draw_dashboard(runs: Runs, target: Path) -> None:
    from playwright.sync_api import sync_playwright

    from deploy_action.cli import main as cli
    from tests.clock import VirtualClock

    site = runs.folder / "site"
    words = ["dashboard", "--out", str(site), "--registry", f"file://{runs.folder / 'registry'}"]
    if cli(words, VirtualClock(runs.now())):
        raise SystemExit("The dashboard could not be written.")
    with sync_playwright() as driver:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        width, height = DASHBOARD
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto((site / "index.html").as_uri())
        page.screenshot(path=str(target))
        browser.close()
    made_small(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
