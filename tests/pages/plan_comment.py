"""Draws the comment of a plan from a job that ran: `python -m tests.pages.plan_comment docs/images/plan.png`.

The comment is the text that GitHub was sent. Needs Chromium.
"""

from __future__ import annotations

import html
import json
import re
import sys
import tempfile
from pathlib import Path

from tests.fakes.github.server import GitHubServer
from tests.pages.picture import STYLE, draw_page
from tests.pages.runs import Runs
from tests.reporting.readers import html_of

BEGIN = 1_793_700_000.0
HEAD = "4f2a9c1" + "0" * 33
HEADING = "<b>github-actions</b> <span class=bot>bot</span> commented"
COMMENT_STYLE = """
.comment { border: 1px solid #d1d9e0; border-radius: 6px }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; padding: 8px 16px;
  color: #59636e }
.head b { color: #1f2328 }
.bot { border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 7px; font-size: 12px }
.body { padding: 16px 16px 0 }
.body h3 { margin-top: 0 }
.alert { border-left: .25em solid; padding: 4px 16px; margin: 0 0 16px }
.alert p.kind { font-weight: 600; margin: 4px 0 8px }
.alert ul { color: #1f2328; padding-left: 20px; margin: 0 0 4px }
.caution { border-color: #cf222e } .caution .kind { color: #d1242f }
.note { border-color: #0969da } .note .kind { color: #0969da }
"""
FIRST = """
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: orders
      BillingMode: PAY_PER_REQUEST
  Worker:
    Type: AWS::Lambda::Function
    Properties:
      MemorySize: {memory}
      Timeout: 30
  Alarms:
    Type: AWS::SNS::Topic
"""
SECOND = FIRST.replace("TableName: orders", "TableName: shop-orders").replace("  Alarms:", "  Pages:")


def draw_plan(runs: Runs, target: Path) -> None:
    """A few deployments, so that there is something to estimate by; then the plan."""
    for memory in (128, 256, 512):
        runs.play(FIRST.format(memory=memory), {})
    with GitHubServer(now=runs.now, repositories=("acme/shop",)) as github:
        github.state.tokens["token"] |= {"pull-requests": "write"}
        github.state.pulls.append({"number": 12, "head": {"sha": HEAD}})
        event = runs.folder / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": 12, "head": {"sha": HEAD}}}), "utf-8")
        job = runs.play(
            SECOND.format(memory=1024),
            {"mode": "plan", "github-token": "token"},
            {
                "GITHUB_API_URL": github.url,
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_EVENT_PATH": str(event),
                "GITHUB_REF": "refs/pull/12/merge",
                "GITHUB_SHA": HEAD,
            },
        )
        if job.code or not github.state.comments:
            raise SystemExit(job.log)
        draw_page(page_of(github.state.comments[0][1]["body"]), target)


def page_of(markdown: str) -> str:
    """The comment as GitHub frames it, with the properties of the first resource unfolded."""
    body = html_of(markdown.partition("\n")[2])
    body = re.sub(r"<blockquote>\s*<p>\[!(\w+)\](.*?)</blockquote>", _alert, body, flags=re.DOTALL)
    body = body.replace("<details>", "<details open>", 1)
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}{COMMENT_STYLE}</style>"
        f"<div class=comment><div class=head>{HEADING}</div><div class=body>{body}</div></div>"
        "<script>document.body.dataset.height = document.documentElement.scrollHeight</script>"
    )


def _alert(found: re.Match[str]) -> str:
    kind = html.escape(found[1].lower())
    rest = re.sub(r"^\s*</p>", "", found[2])
    return f'<div class="alert {kind}"><p class=kind>{kind.capitalize()}</p>{rest}</div>'


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, Runs(Path(place) / "runs") as made:
        made.set_time(BEGIN)
        draw_plan(made, Path(sys.argv[1]))
