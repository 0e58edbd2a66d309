"""What the three ways to deploy have in common: the lock, the watch, the verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.core.change_set import planned_of
from deploy_action.core.report import Outcome, bars_of, failure_causes, outcome_of
from deploy_action.core.stacks import verdict_of
from deploy_action.core.start import way_out
from deploy_action.core.times import duration
from deploy_action.engine.session import End, Session
from deploy_action.engine.verdict import confirmed
from deploy_action.errors import Cancelled, DeploymentFailed, TimedOut, VerdictUnknown
from deploy_action.inputs import Mode
from deploy_action.render.log import cause_annotation
from deploy_action.steps.coordination import Coordination
from deploy_action.wiring import Wiring, forecast_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.engine.watcher import Watcher
    from deploy_action.inputs import Settings
    from deploy_action.steps.state import JobState
    from deploy_action.steps.world import World

ANNOTATIONS_MAX = 5
"""Of the 10 errors that GitHub shows for one use of the action."""


class Deployment:
    """One deployment in its job. What becomes known goes into `state.report`."""

    def __init__(self, world: World, settings: Settings, state: JobState) -> None:
        self.world = world
        self.settings = settings
        self.state = state
        self.teller = world.teller
        self.wiring = Wiring(settings, world.run, world.environ)
        self.cloudformation = self.wiring.cloudformation
        self.coordination = Coordination(world, self.wiring, settings, state)
        self.coordination.resume()
        self._waited_seconds = 0.0

    def report(self, **changes: object) -> None:
        self.state.report = replace(self.state.report, **changes)  # type: ignore[arg-type]  # checked by the class

    def fence(self) -> None:
        """The last moment before something changes: is the lock still ours? Raises LockLost, Cancelled."""
        if self.world.cancelled():
            raise Cancelled("Cancelled before anything was changed.")
        began = self.world.clock.monotonic()
        if self.coordination.fence():
            self.waited(self.world.clock.monotonic() - began)
        if self.world.cancelled():
            raise Cancelled("Cancelled before anything was changed.")

    def keep_lock(self) -> None:
        """Renew the lock when it is time to. Raises LockLost, once."""
        self.coordination.keep()

    def watch(
        self,
        watcher: Watcher,
        done: Callable[[], bool],
        *,
        gives_up: bool = True,
        first_event_seconds: float | None = None,
        hurry: Callable[[], bool] = lambda: False,
    ) -> End:
        session = Session(
            watcher,
            self.world.clock,
            self.teller,
            done,
            self.world.cancelled,
            timeout_seconds=self.settings.timeout_seconds,
            keep_lock=self.keep_lock,
            gives_up=gives_up,
            first_event_seconds=first_event_seconds,
            elapsed_seconds=self._watched_seconds(),
            hurry=hurry,
        )
        self.teller.forecast = watcher.forecast = forecast_for(planned_of(self.state.report.changes))
        # A command writes into the log itself: its words are not ours to fold away.
        self.teller.grouped = self.settings.mode is not Mode.COMMAND
        try:
            return session.run()
        finally:
            self.teller.end_groups()

    def waited(self, seconds: float) -> None:
        """Time that belongs to the queue, not to the deployment."""
        self._waited_seconds += seconds
        self.report(queue_seconds=self.state.report.queue_seconds + seconds)

    def seconds(self) -> float:
        """Since `main` began, also across a restart of it: all on this machine's clock."""
        return max(0.0, self.world.clock.now() - self.state.main_began - self._waited_seconds)

    def _watched_seconds(self) -> float:
        """Since the first watch began; 0 for the first one itself."""
        if not self.state.watch_began:
            self.state.watch_began = self.world.clock.now()
        return max(0.0, self.world.clock.now() - self.state.watch_began)

    def read_outcome(self, watcher: Watcher, *, ours_only: bool) -> Outcome:
        """Read how it ended into the report; `unknown` where it has not ended or cannot be read."""
        operation = watcher.operation
        lines, outputs, notes = confirmed(
            self.cloudformation, self.world.clock, operation, ours_only=ours_only
        )
        for note in notes:
            self.teller.note(note)
        outcome = outcome_of(lines, tuple(verdict_of(line.status) for line in lines))
        self.report(
            outcome=outcome,
            stacks=lines,
            outputs=outputs,
            started=operation.started,
            ended=operation.ended,
            bars=bars_of(operation),
            causes=failure_causes(operation, outcome),
        )
        return outcome

    def judge(self, end: End, outcome: Outcome) -> None:
        """Raise what a verdict other than success means for the step."""
        status = self.state.report.stack_status or "status unknown"
        if end is End.CANCELLED:
            raise Cancelled(
                "The job was cancelled while the deployment ran.",
                why=f"What CloudFormation has begun goes on by itself: {status}.",
                remedy="Watch the stack in the console; cancel its update there if you want it stopped.",
            )
        if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
            self.fail()
        if outcome is not Outcome.UNKNOWN:
            return
        if end is End.TIMED_OUT:
            raise TimedOut(
                f"The deployment did not end within {duration(self.settings.timeout_seconds or 0)}.",
                why=f"What CloudFormation has begun was left running: {status}.",
                remedy="Watch the stack in the console, or raise `timeout-in-minutes`.",
            )
        if end is End.NEVER_BEGAN:
            raise VerdictUnknown(
                "The deployment was requested, and CloudFormation shows no sign of it.",
                why="It may still begin; unknown is not success.",
                remedy="Look at the stack and its change sets in the console before you deploy again.",
            )
        raise VerdictUnknown(
            "CloudFormation could not be asked how the deployment ended.",
            why="It may have succeeded or failed; unknown is not success.",
            remedy="Look at the stack in the console before you deploy again.",
        )

    def fail(self, *, despite: str = "") -> None:
        """Annotate the causes and raise DeploymentFailed."""
        report = self.state.report
        for cause in report.causes[:ANNOTATIONS_MAX]:
            self.teller.log.write(cause_annotation(cause))
        words = "failed and was rolled back" if report.outcome is Outcome.ROLLED_BACK else "failed"
        raise DeploymentFailed(
            f"The deployment {words} ({report.stack_status}){despite}. "
            f"Root cause: {report.root_cause or 'CloudFormation gives none'}",
            remedy=way_out(report.stacks[0].status) if report.stacks else "",
        )
