"""Stack sets beside stacks: where their operations begin, what is told of them, and how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.deploy.patience import patiently
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.stack_set_watch import StackSetWatch, known_operations
from deploy_action.reporting.report import with_stack_sets
from deploy_action.reporting.summary.stack_sets import change_line, tolerated

if TYPE_CHECKING:
    from deploy_action.cloudformation.outcome import Outcome
    from deploy_action.deploy.deployment import Deployment


class StackSetsOfJob:
    """The stack sets that a deployment names. Without any, all of this does nothing."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._refs = deployment.settings.stack_sets
        self._told: set[str] = set()
        self._unknown = False
        """Where the operations begin could not be read: nobody knows which are this deployment's."""
        self.watch = StackSetWatch(deployment.wiring.stack_sets, (), {})

    def begin(self, *, ended_only: bool = False) -> None:
        """Only what begins from now on counts; with `ended_only`, what is in progress as well."""
        state, deployment = self._deployment.state, self._deployment
        if not self._refs:
            return
        try:
            state.stack_set_operations = patiently(
                deployment,
                lambda: known_operations(deployment.wiring.stack_sets, self._refs, ended_only=ended_only),
            )
        except StackSourceError as error:
            deployment.reporter.note(f"The stack sets cannot be watched: {error}")
        self.resume()

    def resume(self) -> None:
        """Where an earlier coordinator, or `begin`, wrote down."""
        known = self._deployment.state.stack_set_operations
        self._unknown = bool(self._refs) and known is None
        if known is not None:
            self.watch = StackSetWatch(self._deployment.wiring.stack_sets, self._refs, known)

    @property
    def working(self) -> bool:
        return self.watch.working

    def still_working(self) -> bool:
        """After a look, where it is time for one."""
        self.look()
        return self.watch.working

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        return self.watch.places

    @property
    def unclear(self) -> bool:
        return self._unknown or not self.watch.readable

    def look(self, *, at_once: bool = False) -> None:
        reporter, folder = self._deployment.reporter, self._deployment.job.folder
        changes, errors = self.watch.poll(self._deployment.job.clock.monotonic(), at_once=at_once)
        for change in changes:
            if change.key not in reporter.printed:
                reporter.printed.add(change.key)
                folder.add_printed(change.key)
                reporter.line(change_line(change))
        for error in errors:
            if str(error) not in self._told:
                self._told.add(str(error))
                reporter.note(str(error))

    def judge(self, outcome: Outcome) -> Outcome:
        """The outcome with what the stack sets say; it goes into the report with causes."""
        if not self._refs:
            return outcome
        deployment, closing = self._deployment, self._deployment.closing
        closing.begin()
        self.look(at_once=True)
        for sentence in filter(None, map(tolerated, self.watch.lines)):
            deployment.reporter.note(sentence)
        causes = self.watch.explain(deployment.cloudformation, stop=closing.over)
        deployment.state.report = with_stack_sets(
            deployment.state.report, outcome, self.watch.lines, causes, unclear=self.unclear
        )
        return deployment.state.report.outcome
