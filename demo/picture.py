"""Records the demo as the README's first picture: `python demo/picture.py docs/images/demo.svg`.

A terminal that plays: every line of one run, at the moment at which it was written. Where nothing moves
(print, reduced motion) it shows the end.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, ROWS = 132, 30
HOLD_SECONDS = 8.0
"""The end stays so long before it begins again."""
Line = tuple[float, str]
"""When it was written, in seconds since the first one; and the line, with its colours."""

_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} SHOWN" xmlns="http://www.w3.org/2000/svg" role="img" \
aria-label="A recording of make demo">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width }}
.scroll {{ transform: translateY(ENDpx); animation: play TOTALs step-end infinite }}
@media (prefers-reduced-motion: reduce) {{ .scroll {{ animation: none }} }}
@media print {{ .scroll {{ animation: none }} }}
@keyframes play {{ FRAMES }}
{styles}
</style>
<defs><clipPath id="screen"><rect width="{terminal_width}" height="SCREEN"/></clipPath>{lines}</defs>
<rect fill="#292929" stroke="#ffffff" stroke-opacity=".35" x="1" y="1" width="CHROME" height="FRAME" rx="8"/>
<g transform="translate(26,22)"><circle r="7" fill="#ff5f57"/><circle cx="22" r="7" fill="#febc2e"/>
<circle cx="44" r="7" fill="#28c840"/></g>
<g transform="translate({terminal_x},TOP)" clip-path="url(#screen)"><g class="scroll">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g></g>
</svg>
"""
_LINE_HEIGHT = 20 * 1.22
_TOP = 44


def record() -> list[Line]:
    found: list[Line] = []
    began = 0.0
    with subprocess.Popen(
        [sys.executable, "-u", Path(__file__).with_name("run.py")], stdout=subprocess.PIPE, text=True
    ) as run:
        for line in run.stdout or ():
            began = began or time.monotonic()
            found.append((time.monotonic() - began, line.rstrip("\n")))
    if run.returncode:
        raise SystemExit("The demo did not end as it should.")
    return found


def drawn(lines: list[Line]) -> str:
    """The picture: what a terminal of ROWS lines shows while they are written into it, long ones wrapped."""
    console = Console(record=True, width=WIDTH, force_terminal=True, file=io.StringIO())
    rows: list[Line] = []
    for moment, line in lines:
        for row in Text.from_ansi(line).wrap(console, WIDTH, overflow="fold") or [Text()]:
            console.print(row, soft_wrap=True)
            rows.append((moment, row.plain))
    screen = ROWS * _LINE_HEIGHT
    total = lines[-1][0] + HOLD_SECONDS
    form = _SVG.replace("FRAMES", _frames(rows, total)).replace("TOTAL", f"{total:.1f}")
    for name, value in (
        ("SHOWN", screen + _TOP + 14),
        ("SCREEN", screen),
        ("FRAME", screen + _TOP + 12),
        ("END", _offset(len(rows))),
        ("TOP", _TOP),
    ):
        form = form.replace(name, f"{value:.1f}")
    chrome = round(WIDTH * 12.2 + 16)
    return console.export_svg(title="", code_format=form.replace("CHROME", str(chrome)))


def _frames(rows: list[Line], total: float) -> str:
    """A frame for each moment at which lines were added: the newest line is the lowest."""
    at: dict[str, int] = {"0": 0}
    for count, (moment, _) in enumerate(rows, 1):
        at[f"{100 * moment / total:.2f}".rstrip("0").rstrip(".")] = count
    # Braces are doubled for the exporter's own format.
    return " ".join(
        f"{share}% {{{{ transform: translateY({_offset(count):.1f}px) }}}}" for share, count in at.items()
    )


def _offset(count: int) -> float:
    """Where the text has to stand so that `count` lines of it are seen."""
    return (ROWS - count) * _LINE_HEIGHT


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(drawn(record()), "utf-8")
