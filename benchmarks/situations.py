"""A company's proxy before AWS or GitHub: what a job shows, through the real launcher on the host.

    python benchmarks/situations.py [--only WORDS] [--runs 3]

A row is a fault of the proxy. A permanent one has to be red in `pre`, before the lock, in less than five
seconds; one that may heal is waited for, and the job's own verdict counts. `cpu` is what `pre` itself spends,
which is its time where no other program runs: what lasts is not waited for. Measured on two quiet cores; the
rows that hang, with ten programs beside them:

    before  fault      pre  seconds  cpu  asked  main  post  seconds  lock
    aws     403        4    2.3      2.1  5
    aws     407        4    1.7      1.7  5
    aws     page       4    1.8      1.9  5
    aws     intercept  4    1.7      1.8  4
    aws     hangs      0    120.7         57     4     0     284.4    given back
    github  403        4    2.3      2.2  6
    github  407        4    1.9      2.0  6
    github  page       4    2.7      2.7  6
    github  intercept  4    2.3      2.5  6
    github  hangs      0    51.5          10     0     0     86.5     none
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.test_company_networks import Company, cpu_seconds  # noqa: E402

LASTING = ("403", "407", "page", "intercept")
ROW = "{:<7} {:<10} {:<4} {:<8} {:<4} {:<6} {:<5} {:<5} {:<8} {}"
STEP_SECONDS_MAX = 600.0


def row(client: str, mode: str) -> str:
    with tempfile.TemporaryDirectory(prefix="situations.") as folder:
        company = Company(Path(folder), "host")
        try:
            with company.cloud, company.github, company.behind(client, mode) as proxy:
                before = cpu_seconds()
                pre = company.job.start("pre").wait(STEP_SECONDS_MAX)
                spent = cpu_seconds() - before
                lock = "held" if company.tickets() else "none"
                if pre.code:
                    seconds = f"{pre.seconds:.1f}"
                    return ROW.format(
                        client, mode, pre.code, seconds, f"{spent:.1f}", len(proxy.asked), *[""] * 4
                    )
                rest = [company.job.start(step).wait(STEP_SECONDS_MAX) for step in ("main", "post")]
                if lock == "held" and not company.tickets():
                    lock = "given back"
                asked = len(proxy.asked)
        finally:
            company.job.end()
    whole = sum(done.seconds for done in (pre, *rest))
    codes = [done.code for done in rest]
    return ROW.format(
        client, mode, pre.code, f"{pre.seconds:.1f}", f"{spent:.1f}", asked, *codes, f"{whole:.1f}", lock
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="rows that contain these words, such as `aws 407`")
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    print(ROW.format("before", "fault", "pre", "seconds", "cpu", "asked", "main", "post", "seconds", "lock"))
    for client in ("aws", "github"):
        for mode in (*LASTING, "hangs"):
            for _ in range(given.runs if given.only in f"{client} {mode}" else 0):
                print(row(client, mode), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
