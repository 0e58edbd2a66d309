"""Draws summaries as GitHub shows them, to look at: `python -m tests.pages.picture FOLDER [NAME ...]`.

Needs node, npm and Chromium. With `--logs FOLDER`, real event logs are drawn instead of the stories.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
from pathlib import Path

from deploy_action.render.summary import opening, summary
from tests.pages.mermaid import installed
from tests.pages.stories import NOON, STORIES
from tests.render.readers import html_of

WIDTH, HEIGHT = 1012, 6000
STYLE = """
body { margin: 0; padding: 24px; width: 920px; font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans",
  "Liberation Sans", Helvetica, Arial, sans-serif, "Noto Color Emoji"; color: #1f2328; background: #fff }
h2 { font-size: 1.5em; border-bottom: 1px solid #d1d9e0b3; padding-bottom: .3em; margin: 0 0 16px }
h3 { font-size: 1.25em; margin: 24px 0 16px }
p, ul, table, pre, details { margin: 0 0 16px }
a { color: #0969da; text-decoration: none }
code { font: 85% ui-monospace, "Liberation Mono", monospace; background: #818b981f; border-radius: 6px;
  padding: .2em .4em }
pre { background: #f6f8fa; border-radius: 6px; padding: 16px; white-space: pre-wrap }
pre code { background: none; padding: 0 }
table { border-collapse: collapse; display: block; overflow: auto; width: max-content; max-width: 100% }
th, td { border: 1px solid #d1d9e0; padding: 6px 13px; text-align: left }
tr:nth-child(2n) td { background: #f6f8fa }
.mermaid { margin: 0 0 16px }
"""


def page_of(markdown: str, script: Path) -> str:
    body = html_of(markdown)
    body = re.sub(
        r'<pre lang="mermaid"><code>(.*?)</code></pre>',
        lambda match: f'<div class="mermaid">{html.escape(html.unescape(match[1]))}</div>',
        body,
        flags=re.DOTALL,
    )
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}"
        f'<script src="{script.as_uri()}"></script>'
        "<script>mermaid.initialize({startOnLoad: true, securityLevel: 'strict'})</script>"
    )


def draw(markdown: str, target: Path, *, height: int = HEIGHT) -> None:
    """A PNG of a page."""
    source = target.with_suffix(".html")
    source.write_text(page_of(markdown, installed() / "mermaid" / "dist" / "mermaid.min.js"), "utf-8")
    subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--window-size={WIDTH},{height}", "--virtual-time-budget=8000", "--allow-file-access-from-files",
            f"--screenshot={target.resolve()}", source.resolve().as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--height", type=int, default=HEIGHT)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    if wanted.logs:
        from tests.pages.real import reports_of

        found = dict(reports_of(wanted.logs))
    else:
        found = {name: story() for name, story in STORIES.items()}
    for name, report in found.items():
        if not wanted.names or name in wanted.names:
            page = f"{opening(report)}\n{summary(report, now=report.ended or NOON + 612)}"
            (wanted.folder / f"{name}.md").write_text(page, "utf-8")
            draw(page, wanted.folder / f"{name}.png", height=wanted.height)
            print(name, f"{len(page.encode()):,} bytes")


if __name__ == "__main__":
    main()
