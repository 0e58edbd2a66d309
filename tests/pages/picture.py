"""Draws summaries as GitHub shows them, to look at: `python -m tests.pages.picture FOLDER [NAME ...]`.

`make pictures` draws those of the README. Needs node, npm and Chromium. With `--logs FOLDER`, real event logs
are drawn instead of the stories.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import tempfile
from pathlib import Path

from deploy_action.common.instants import WallTime
from deploy_action.reporting.summary.page import summary
from tests.pages.mermaid import installed
from tests.pages.stories import NOON, STORIES
from tests.reporting.readers import html_of
from tests.slack.picture_of_slack import made_small

WIDTH = 1012
STYLE = """
body { margin: 0; padding: 24px; width: 920px; font: 14px/1.5 -apple-system, "Segoe UI", Inter,
  "DejaVu Sans", sans-serif; color: #1f2328; background: #fff }
h2 { font-size: 1.5em; border-bottom: 1px solid #d1d9e0b3; padding-bottom: .3em; margin: 0 0 16px }
h3 { font-size: 1.25em; margin: 24px 0 16px }
p, ul, table, pre, details { margin: 0 0 16px }
blockquote { border-left: .25em solid #d1d9e0; color: #59636e; margin: 0 0 16px; padding: 0 1em }
a { color: #0969da; text-decoration: none }
code { font: 85% ui-monospace, "Liberation Mono", monospace; background: #818b981f; border-radius: 6px;
  padding: .2em .4em }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; white-space: pre-wrap }
pre code { background: none; padding: 0 }
table { border-collapse: collapse; display: block; overflow: auto; width: max-content; max-width: 100% }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left }
tr:nth-child(2n) td { background: #f6f8fa }
.annotations { border: 1px solid #d1d9e0; border-radius: 6px; margin: 0 0 24px }
.annotations h3 { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; font-size: 14px; margin: 0;
  padding: 12px 16px; border-radius: 6px 6px 0 0 }
.annotations ul { list-style: none; margin: 0; padding: 0 }
.annotations li { display: flex; gap: 12px; padding: 12px 16px }
.annotations li + li { border-top: 1px solid #d1d9e0 }
.annotations p { margin: 2px 0 0; color: #59636e }
.mermaid { margin: 0 0 16px }
"""


_ANNOTATION = re.compile(
    r"^::(?P<kind>error|warning|notice)(?: (?P<named>[^:]*(?:%3A[^:]*)*))?::(?P<text>.*)$", re.MULTILINE
)


def annotation_box(log: str) -> str:
    """The box above the summaries on a run's page: what the runner makes of a log's workflow commands."""
    shown = []
    for found in _ANNOTATION.finditer(log):
        named = dict(part.split("=", 1) for part in (found["named"] or "").split(",") if "=" in part)
        text = _given(found["text"]).replace("\n", "<br>")
        sign = {"error": "❌", "warning": "⚠️"}.get(found["kind"], "ℹ️")
        title = _given(named.get("title", found["kind"].capitalize()))
        shown.append(f"<li><span>{sign}</span><div><b>{title}</b><p>{text}</p></div></li>")
    return f"<section class=annotations><h3>Annotations</h3><ul>{''.join(shown)}</ul></section>"


def _given(text: str) -> str:
    for escaped, character in (("%3A", ":"), ("%2C", ","), ("%0D", ""), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escaped, character)
    return html.escape(text)


def page_of(markdown: str, script: Path, *, above: str = "") -> str:
    """`above`: HTML before the summary."""
    body = above + html_of(markdown)
    body = re.sub(
        r'<pre><code class="language-mermaid">(.*?)</code></pre>',
        lambda match: f'<div class="mermaid">{html.escape(html.unescape(match[1]))}</div>',
        body,
        flags=re.DOTALL,
    )
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}"
        f'<script src="{script.as_uri()}"></script>'
        "<script>mermaid.initialize({startOnLoad: false, securityLevel: 'strict'});"
        "mermaid.run().finally(() => {"
        "document.body.dataset.height = document.documentElement.scrollHeight })"
        "</script>"
    )


def draw(markdown: str, target: Path, *, log: str = "") -> str:
    """A PNG of a page, as high as the page is; returns the page as Chromium sees it. With a job's `log`, its
    annotations stand above the summary, as on a run's page."""
    script = installed() / "mermaid" / "dist" / "mermaid.min.js"
    return draw_page(page_of(markdown, script, above=annotation_box(log) if log else ""), target)


def draw_page(page: str, target: Path) -> str:
    """The same of HTML that leaves its height in `body.dataset`."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, "utf-8")
        seen = _chromium(source, f"--window-size={WIDTH},200", "--dump-dom")
        found = re.search(r'data-height="(\d+)"', seen)
        height = int(found[1]) if found else 6000
        _chromium(source, f"--window-size={WIDTH},{height}", f"--screenshot={target.resolve()}")
    made_small(target)
    return seen


def _chromium(source: Path, *options: str) -> str:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--allow-file-access-from-files", "--virtual-time-budget=8000", *options]
    command.append(source.resolve().as_uri())
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--logs", type=Path)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    if wanted.logs:
        from tests.pages.real import reports_of

        found = dict(reports_of(wanted.logs))
    else:
        found = {name: story() for name, story in STORIES.items()}
    for name, report in found.items():
        if not wanted.names or name in wanted.names:
            page = summary(report, now=WallTime(report.ended or NOON + 612))
            (wanted.folder / f"{name}.md").write_text(page, "utf-8")
            draw(page, wanted.folder / f"{name}.png")
            print(name, f"{len(page.encode()):,} bytes")


if __name__ == "__main__":
    main()
