"""What people would have seen of the demo, on one HTML page: job summaries, Slack, dashboard."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from tests.slack.picture_of_slack import html_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fakes.slack.server import SlackServer

_STYLE = """
body { margin: 0; background: #f6f8fa; color: #1f2328;
  font: 14px/1.5 -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
header, section { max-width: 980px; margin: 24px auto; padding: 0 16px }
nav a { margin-right: 16px; text-decoration: underline }
.card { background: #fff; border: 1px solid #d1d9e0; border-radius: 8px; padding: 16px 24px; margin: 0 0 16px;
  overflow-x: auto }
.where { color: #59636e; font-size: 12px; margin: 0 0 8px }
h2 { font-size: 1.4em; margin: 0 0 12px }
a { color: #0969da; text-decoration: none }
code, pre { font: 85% ui-monospace, "Liberation Mono", monospace; background: #818b981f; border-radius: 6px;
  padding: .2em .4em }
pre { padding: 12px; white-space: pre-wrap } pre code { background: none; padding: 0 }
table { border-collapse: collapse; margin: 0 0 12px } th, td { border: 1px solid #d1d9e0; padding: 4px 10px;
  text-align: left }
.bar { display: grid; grid-template-columns: 320px 1fr; align-items: center; font-size: 12px }
.bar i { display: block; height: 14px; border-radius: 3px; background: #0969da; min-width: 2px }
.bar i.crit { background: #cf222e } .phase { font-weight: 600; margin: 8px 0 2px }
blockquote { border-left: .25em solid #d1d9e0; color: #59636e; margin: 0 0 12px; padding: 0 1em }
.thread { border-left: 3px solid #d1d9e0; margin: 8px 0 0 16px; padding-left: 12px }
.header { font-weight: 700; font-size: 16px } .quote { border-left: 4px solid #ddd; padding-left: 10px }
.context { color: #616061; font-size: 12px } .context span { margin-right: 8px }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 3px 9px;
  margin: 4px 8px 0 0 }
iframe { width: 100%; height: 1100px; border: 1px solid #d1d9e0; border-radius: 8px; background: #fff }
"""
_CHART = re.compile(r'<pre><code class="language-mermaid">(.*?)</code></pre>', re.DOTALL)
_BAR = re.compile(r"^ +(?P<label>.*) :(?P<tags>.*?), ?(?P<start>\S+ [\d:]+), (?P<end>\S+ [\d:]+)$")


def page(summaries: Iterable[tuple[str, str]], slack: SlackServer, dashboard: str) -> str:
    """`summaries`: (job, Markdown). `dashboard`: its address beside the page; empty where there is none."""
    jobs = "".join(
        f'<div class="card"><p class="where">{escape(job)}, on the run\'s page</p>{summary_html(text)}</div>'
        for job, text in summaries
    )
    frame = (
        f'<iframe src="{escape(dashboard)}" title="Dashboard"></iframe>' if dashboard else "It was not made."
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><title>deploy-coordinator: the demo</title>'
        f"<style>{_STYLE}</style><header><h1>Three deployments of <code>production</code></h1>"
        "<p>The first created the stack. The second waited for it. The third failed: its containers did not "
        'start. This is what people saw.</p><nav><a href="#summaries">Job summaries</a> '
        '<a href="#slack">Slack</a> <a href="#dashboard">Dashboard</a></nav></header><main>'
        f'<section id="summaries"><h2>Job summaries</h2>{jobs}</section>'
        f'<section id="slack"><h2>Slack</h2>{_slack(slack)}</section>'
        f'<section id="dashboard"><h2>Dashboard</h2>{frame}</section></main></html>'
    )


def summary_html(markdown: str) -> str:
    """As GitHub shows it; a Gantt chart as bars, since nothing is loaded from anywhere."""
    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    return _CHART.sub(lambda match: _bars(unescape(match[1])), body)


def _bars(chart: str) -> str:
    rows: list[str] = []
    bars = [match for line in chart.splitlines() if (match := _BAR.match(line))]
    whole = max((_seconds(bar["end"]) for bar in bars), default=0) or 1
    for line in chart.splitlines():
        bar = _BAR.match(line)
        if bar is not None:
            start, end = _seconds(bar["start"]), _seconds(bar["end"])
            kind = "crit" if "crit" in bar["tags"] else ""
            place = f"margin-left: {100 * start / whole:.1f}%; width: {100 * (end - start) / whole:.1f}%"
            label = f"<span>{escape(bar['label'])}</span>"
            rows.append(f'<div class="bar">{label}<i class="{kind}" style="{place}"></i></div>')
        elif line.strip().startswith("section "):
            rows.append(f'<p class="phase">{escape(line.strip().removeprefix("section "))}</p>')
    return "".join(rows)


def _seconds(moment: str) -> int:
    hours, minutes, seconds = (int(part) for part in moment.rsplit(maxsplit=1)[-1].split(":"))
    return 3600 * hours + 60 * minutes + seconds


def _slack(server: SlackServer) -> str:
    return "".join(
        f'<div class="card"><p class="where">#{escape(channel.name)}</p>{_message(message, server)}</div>'
        for channel in server.channels
        for message in server.tops(channel.name)
    )


def _message(message: Any, server: SlackServer) -> str:
    replies = "".join(html_of(reply.content["blocks"]) for reply in server.replies(message.ts))
    thread = f'<div class="thread">{replies}</div>' if replies else ""
    return html_of(message.content["blocks"]) + thread
