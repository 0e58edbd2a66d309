"""`python -m tests.mutants.killed_share STATS PERCENT`: whether tests notice enough of what mutmut changed.

`STATS` is what `mutmut export-cicd-stats` writes. A mutant that hangs or crashes the tests is noticed; one
that no test runs is not. Ends with 1 below `PERCENT`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTICED = ("killed", "timeout", "segfault", "suspicious")


def share(stats: Mapping[str, int]) -> float:
    """Percent of all mutants; 0 where there were none, which proves nothing."""
    total = stats.get("total", 0) - stats.get("skipped", 0)
    return 100 * sum(stats.get(name, 0) for name in NOTICED) / total if total else 0.0


def main(path: str, percent: str) -> int:
    stats = json.loads(Path(path).read_text("utf-8"))
    noticed = share(stats)
    print(f"Tests notice {noticed:.1f} % of {stats.get('total', 0)} mutants; wanted are {percent} %.")
    return 0 if noticed >= float(percent) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
