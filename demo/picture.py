"""Writes the README's picture of the demo: `python demo/picture.py docs/images/demo.svg`.

Lines are left out, so that it can be read; where and how many, it says.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 132
KEPT = (
    r"Two deployments|Job 1 creates|A third deployment|What came of it|^  job \d:",
    r"Deployment \d{8}|Acquired lock|changes planned|Gave the lock|job ended",
    r"Expected to take",
    r"TaskDefinition.*replaced|Service +.*AWS::ECS::Service$",
    r"still creating",
    r"CREATE_COMPLETE.*(Vpc|LoadBalancer |Database/Instance|Service |shop)",
    r"UPDATE_(COMPLETE|FAILED) .*(Service |shop)|UPDATE_ROLLBACK_(IN_PROGRESS|COMPLETE) ",
    r"└ Resource|What to do next",
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def main(target: Path) -> None:
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("run.py")], capture_output=True, text=True, check=True
    )
    console = Console(record=True, width=WIDTH, force_terminal=True, file=io.StringIO())
    waiting_told = False
    left_out = 0
    for line in run.stdout.splitlines():
        bare = ANSI.sub("", line)
        waiting = "Waiting for the lock" in bare
        if not ((waiting and not waiting_told) or any(re.search(kept, bare) for kept in KEPT)):
            left_out += bool(bare.strip())
        else:
            if left_out:
                console.print(Text(f"      ⋮ {left_out} line{'' if left_out == 1 else 's'}", style="dim"))
            left_out = 0
            text = Text.from_ansi(line)
            text.truncate(WIDTH, overflow="ellipsis")
            console.print(text, soft_wrap=True)
        waiting_told = waiting_told or waiting
    svg = console.export_svg(title="make demo")
    # The exporter asks for its font from a host on the net; a document should not.
    target.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
