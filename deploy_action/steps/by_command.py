"""Way 2: the user's own command, run by the launcher on the host, while the stacks are watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.report import Outcome
from deploy_action.engine.patience import patiently
from deploy_action.engine.session import End
from deploy_action.engine.watcher import Baseline, Watcher, take_baseline
from deploy_action.errors import Cancelled, DeploymentFailed, StackSourceError, TimedOut
from deploy_action.steps.world import optional

if TYPE_CHECKING:
    from deploy_action.steps.deployment import Deployment

GRACE_SECONDS = 5.0
"""The runner leaves 10 s after a cancellation: so long the command's own end is waited for."""
SETTLE_SECONDS = 3.0
"""How long after a command's end an operation that it began may take to become visible."""
UNREADABLE_SECONDS = 120.0
"""How long after a command's end CloudFormation is asked again while it gives no answer."""


def deploy(deployment: Deployment) -> int:
    """The command's exit code, unless a stack failed."""
    watcher = Watcher(deployment.cloudformation, _begin(deployment))
    # Not to see the stacks is no reason to end a command: it goes on, watched or not.
    end = deployment.watch(watcher, _Done(deployment, watcher), gives_up=False)
    code = _exit_code(deployment)
    deployment.report(command_exit_code=code)
    outcome = deployment.read_outcome(watcher, ours_only=False)
    if code is None:
        _cut_off(deployment, end)
    if end in {End.CANCELLED, End.TIMED_OUT}:
        deployment.judge(end, outcome)
        return code or 0
    if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:
        deployment.fail(despite="" if code else ", although the command reported success")
    if code:
        deployment.report(outcome=Outcome.FAILED)
        raise CommandFailed(code)
    if outcome is Outcome.UNKNOWN:
        _explain_unknown(deployment, watcher)
    return 0


def _cut_off(deployment: Deployment, end: End) -> None:
    """The command still runs, and ends with this step: whatever the stacks say, it was not done."""
    deployment.report(outcome=Outcome.UNKNOWN)
    if end is End.CANCELLED:
        raise Cancelled(
            "The job was cancelled while the command ran.",
            why="What CloudFormation has begun goes on by itself.",
            remedy="Look at the stacks in the console before you deploy again.",
        )
    raise TimedOut(
        "The command did not end within `timeout-in-minutes`, so it was ended.",
        why="What CloudFormation has begun goes on by itself.",
        remedy="Look at the stacks in the console, and raise `timeout-in-minutes` if the time was too short.",
    )


class CommandFailed(DeploymentFailed):
    """The command failed, and no stack did. The step's exit code is the command's."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f"The command ended with exit code {code}.",
            why="No watched stack failed, so the reason stands in the command's own output.",
            remedy="Read the lines above.",
        )
        self.exit_code = code  # type: ignore[misc]  # of this instance only


class _Done:
    """Whether both the command and what it began have ended."""

    def __init__(self, deployment: Deployment, watcher: Watcher) -> None:
        self._folder = deployment.world.folder
        self._clock = deployment.world.clock
        self._watcher = watcher
        self._ended: float | None = None

    def __call__(self) -> bool:
        if self._folder.command_exit_code() is None:
            return False
        now = self._clock.monotonic()
        self._ended = now if self._ended is None else self._ended
        if not self._watcher.readable:
            return self._watcher.refused or now - self._ended >= UNREADABLE_SECONDS
        if self._watcher.began:
            return self._watcher.at_rest
        return now - self._ended >= SETTLE_SECONDS


def _begin(deployment: Deployment) -> Baseline:
    """Let the command go; after a restart of the watch, go on where it was."""
    state, folder, teller = deployment.state, deployment.world.folder, deployment.teller
    teller.on_printed = lambda: _checkpoint(deployment)
    if state.baseline is not None:
        teller.note("The watch was restarted. What happened meanwhile follows; no event is lost.")
        return state.baseline
    try:
        state.baseline = patiently(
            lambda: take_baseline(deployment.cloudformation, deployment.settings.stacks),
            deployment.world.clock,
            cancelled=deployment.world.cancelled,
        )
    except StackSourceError as error:
        teller.note(f"The stacks cannot be watched, so the command runs unwatched: {error}")
        state.baseline = Baseline()
    deployment.fence()
    optional(teller, "Keeping the state", lambda: folder.save(state))
    folder.let_command_go()
    return state.baseline


def _checkpoint(deployment: Deployment) -> None:
    deployment.state.printed = sorted(deployment.teller.printed)
    optional(deployment.teller, "Keeping the state", lambda: deployment.world.folder.save(deployment.state))


def _exit_code(deployment: Deployment) -> int | None:
    """None only where the command did not end in time after a cancellation."""
    folder, clock = deployment.world.folder, deployment.world.clock
    deadline = clock.monotonic() + GRACE_SECONDS
    while (code := folder.command_exit_code()) is None and clock.monotonic() < deadline:
        clock.sleep(0.2)
    return code


def _explain_unknown(deployment: Deployment, watcher: Watcher) -> None:
    watched = deployment.state.baseline
    seen = watched is not None and (watched.newest or watched.glob_seen)
    if watcher.readable and seen and not watcher.began:
        deployment.report(outcome=Outcome.NO_CHANGES)
        deployment.teller.line("The command ended well, and no watched stack was changed.")
    else:
        deployment.teller.note(
            "The command ended well, but what it did to the stacks could not be seen: the outcome is "
            "`unknown`, and the exit code is the command's."
        )
