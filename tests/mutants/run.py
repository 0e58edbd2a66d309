"""`python -m tests.mutants.run MODULE`: builds each mutant of a module of rules, and looks who notices.

All in this one process, without a copy of anything: the tests named are collected once. At the end they run
without a mutant, and have to pass: else their failing said nothing, or a mutant was not taken out again.
"""

from __future__ import annotations

import importlib
import sys
import time
import traceback
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, Patch

RULES = Path(__file__).parent


class Trial:
    """A plugin of pytest that collects the tests a module of rules names, and runs them once a mutant."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._reports: list[pytest.TestReport] = []
        self.mutants: list[Mutant] = []
        self.complaints: list[str] = []
        self.killed = 0

    def pytest_configure(self, config: pytest.Config) -> None:
        # Imported only here, so that pytest sees to the assertions of the tests.
        found = vars(importlib.import_module(self._module)).values()
        self.mutants = [value for value in found if isinstance(value, Mutant)]
        named = {node_id.partition("[")[0]: None for one in self.mutants for node_id in one.node_ids}
        config.args[:] = named or [__file__]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.complaints.append(f"{report.nodeid} cannot be collected: {report.longrepr}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.append(report)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for mutant in self.mutants:
            print(mutant.name, end=" ", flush=True)
            began, patch = time.monotonic(), Patch()
            try:
                mutant.build(patch)
                survived = self._survivors(mutant, session)
            except Exception:  # noqa: BLE001 - reported: it says nothing of the tests
                survived = [f"it cannot be built: {traceback.format_exc()}"]
            finally:
                patch.undo()
            print(f"{time.monotonic() - began:.1f} s", flush=True)
            self.killed += not survived
            self.complaints += [f"{mutant.name} SURVIVES: {words}" for words in survived]
        print("without any mutant", flush=True)
        named = {node_id for mutant in self.mutants for node_id in mutant.node_ids}
        for item in session.items:
            if not any(_is(item, node_id) for node_id in named):
                continue  # another case of a test of which one case is named
            self.complaints += [
                f"{item.nodeid} does not pass without a mutant: {_words(report)}"
                for report in self._run(item)
                if not report.passed
            ]
        return True

    def _survivors(self, mutant: Mutant, session: pytest.Session) -> list[str]:
        """What there is to complain about: each test named has to fail, by itself."""
        found: list[str] = []
        if not mutant.killers:
            found.append("no test is named that has to notice it")
        for node_id in mutant.node_ids:
            items = [item for item in session.items if _is(item, node_id)]
            if not items:
                found.append(f"there is no test {node_id}")
            for item in items:
                reports = self._run(item)
                failed = [report for report in reports if report.failed]
                if not failed:
                    found.append(f"{item.nodeid} does not notice it")
                elif _is_own_fault(failed[0]):
                    found.append(f"it is broken itself: {_words(failed[0])}")
        return found

    def _run(self, item: pytest.Item) -> list[pytest.TestReport]:
        self._reports.clear()
        # No next one: every fixture is made anew.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return list(self._reports)


def _is(item: pytest.Item, node_id: str) -> bool:
    path, _, name = node_id.partition("::")
    own = item.nodeid.partition("::")[2]
    return item.path == Path(path) and (own == name or own.startswith(f"{name}["))


def _is_own_fault(report: pytest.TestReport) -> bool:
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash is not None and Path(crash.path).is_relative_to(RULES)


def _words(report: pytest.TestReport) -> str:
    return f"{report.outcome} in {report.when}\n{report.longreprtext}"


def main(module: str) -> int:
    sys.dont_write_bytecode = True
    trial = Trial(module)
    # The terminal's words would bury ours; the project's own options are for a terminal.
    options = ["-p", "no:terminal", "-p", "no:cacheprovider", "-o", "addopts="]
    code = pytest.main(options, plugins=[trial])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        trial.complaints.append(f"pytest ended with {code!r}")
    if not trial.mutants:
        trial.complaints.append(f"there are no mutants in {module}")
    print(*trial.complaints, sep="\n")
    print(f"{trial.killed} of {len(trial.mutants)} mutants killed")
    return 1 if trial.complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
