"""The error tree: what happened, why it matters, what to do next, and the exit code of the step.

| exit code | meaning |
| --- | --- |
| 0 | the deployment succeeded, changed nothing, was skipped on request, or superseded by a newer one |
| 1 | the deployment failed or was rolled back |
| 2 | busy: another deployment holds the lock, or may, and waiting was not wanted or timed out |
| 3 | the inputs are wrong; nothing was locked or changed |
| 4 | the deployment cannot start (credentials, network, stack state, template); nothing was changed |
| 5 | the lock was lost before anything was changed, or later and `on-lost-lock: stop` ended it |
| 6 | the deployment did not end within `timeout-in-minutes`; it may still be running |
| 7 | the verdict could not be read: neither success nor failure is known |
| 8 | the `lock` step gave way to a newer deployment, so the lock is not held; nothing was changed |
| 9 | `preflight: strict`: the deployment is certain to fail; nothing was locked or changed |
| 10 | `on-older: fail`: an older commit than the one that is deployed; nothing was changed |
| 11 | `data-loss: stop`: a resource with data would be deleted or replaced; nothing was changed |
| 12 | `mode: apply`: the reviewed plan is not what would be deployed now; nothing was changed |
| 70 | a defect in deploy-coordinator itself |
| 130 | cancelled |
| other | the exit code of `command` |
"""

from __future__ import annotations

from typing import Any, ClassVar


class CoordinatorError(Exception):
    """Base of every error that people see.

    `what` says what happened, `why` why it matters, `remedy` what to do next; each is one plain sentence or
    more, without a trailing newline. They may hold text from outside: escape them where they are rendered.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy
        self.annotation = ""
        """For the run's page, where other annotations say the rest already."""
        self.said: tuple[str, ...] = ()
        """The words of the service that refused."""
        self.parts: tuple[str, ...] = ()
        """The sentences at the end of `what` that are about one thing each, such as a wrong input."""
        self.tail: tuple[str, ...] = ()
        """The last lines that the user's command wrote."""
        self.cause = ""
        """The sentence of another error that it came from, and that `what` tells already."""

    def __str__(self) -> str:
        return " ".join(_sentence(part) for part in (self.what, self.why, self.remedy) if part)


class DeploymentFailed(CoordinatorError):
    """CloudFormation says that the deployment failed."""

    exit_code = 1


class CommandFailed(DeploymentFailed):
    """The command failed, and no stack did. The step's exit code is the command's.

    `said`: its own words about why, most telling first; they come from outside. `seen`: whether the stacks
    could be watched. `refusals`: what CloudFormation says against the change sets that it tried to make.
    `tail`: the last lines that it wrote.
    """

    def __init__(
        self,
        code: int,
        said: tuple[str, ...] = (),
        *,
        remedy: str = "",
        seen: bool = True,
        refusals: tuple[str, ...] = (),
        tail: tuple[str, ...] = (),
    ) -> None:
        words = f" {refusals[0]}" if refusals else f" It said: {said[0]}" if said else ""
        super().__init__(
            f"The command ended with exit code {code}.{words}",
            why="No watched stack failed." if seen else "Not all changes to the stacks could be seen.",
            remedy=remedy or "Read what the command wrote into the log.",
        )
        self.said = (*refusals, *said)
        self.tail = tail
        self.exit_code = code  # type: ignore[misc]  # of this instance only


class Busy(CoordinatorError):
    """Another deployment holds the lock, and waiting was not wanted or took too long. `may_skip`: it is what
    `when-busy: skip` means."""

    exit_code = 2
    may_skip: ClassVar[bool] = True
    ahead: tuple[Any, ...] = ()
    """The tickets of those who stood before it."""


class RegistryAway(Busy):
    """The registry cannot be used, and what is known, or asked for, speaks against going on without it."""

    may_skip = False


class Superseded(CoordinatorError):
    """A newer deployment of the same stacks took this one's place in the queue, as `newest` asks. No
    failure."""

    exit_code = 0


class NotHeld(CoordinatorError):
    """A `lock` step gave way to a newer deployment: what the job does next would run without the lock."""

    exit_code = 8


class OlderSkipped(CoordinatorError):
    """A newer commit is deployed, and `on-older: skip` asks to leave it. No failure."""

    exit_code = 0


class OlderCommit(CoordinatorError):
    """A newer commit is deployed, and `on-older: fail` asks to leave it."""

    exit_code = 10


class InvalidInput(CoordinatorError):
    """One or more inputs are wrong. `problems` lists all of them, one sentence each."""

    exit_code = 3

    def __init__(self, problems: tuple[str, ...]) -> None:
        count = len(problems)
        super().__init__(
            f"{count} input{'s are' if count != 1 else ' is'} wrong: " + " ".join(problems),
            why="Nothing was locked or changed.",
            remedy="Correct them; docs/reference.md describes every input.",
        )
        self.parts = problems
        self.problems = problems


class CannotStart(CoordinatorError):
    """The deployment cannot start: credentials, stack state or template forbid it. Nothing was changed."""

    exit_code = 4


class StackNeedsRepair(CannotStart):
    """The stack is in a state that no deployment gets it out of: somebody has to."""


class AccountUnknown(CannotStart):
    """AWS does not answer the question whose account this is, for now."""


class AmbiguousPlan(CannotStart):
    """More than one change set appeared on a stack while a command planned."""


class PreflightFailed(CoordinatorError):
    """The checks before the deployment found what makes it fail, and `strict` asks to stop for that."""

    exit_code = 9


class DataAtRisk(CoordinatorError):
    """The deployment would delete or replace a resource with data, and `data-loss: stop` asks to stop then.
    Nothing was changed."""

    exit_code = 11


class PlanOutdated(CoordinatorError):
    """The reviewed change set cannot be executed any more, or is not what would be deployed now. Nothing was
    changed. `said`: the difference, line by line."""

    exit_code = 12


class Overtaken(CannotStart):
    """Somebody else began to work on the stack. Nothing was changed; once they are done, plan anew."""


class LockLost(CoordinatorError):
    """Somebody else took the lock. After this nothing more may be changed."""

    exit_code = 5


class LockUnconfirmed(LockLost):
    """No other deployment is known to have taken the lock, but the registry has not confirmed it for longer
    than its lease."""


class EndedWithoutLock(CoordinatorError):
    """The lock was lost while a command ran, and the command was ended as asked."""

    exit_code = 5


class TimedOut(CoordinatorError):
    """The deployment did not end in time and may still be running."""

    exit_code = 6


class VerdictUnknown(CoordinatorError):
    """CloudFormation could not be asked how the deployment ended."""

    exit_code = 7


class Cancelled(CoordinatorError):
    """The job was cancelled (SIGINT or SIGTERM)."""

    exit_code = 130


class RegistryError(CoordinatorError):
    """Base of what a registry store may raise. None of these may fail a deployment."""


class RegistryConflict(RegistryError):
    """The document changed since it was read: certainly nothing was written."""


class RegistryUnavailable(RegistryError):
    """The store did not answer. After a swap it is unknown whether the write took effect: read back.

    `retry_seconds`: for how long the other side asks to be left alone, 0 to 3600; None where it did not say.
    """

    def __init__(
        self, what: str, *, why: str = "", remedy: str = "", retry_seconds: float | None = None
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.retry_seconds = retry_seconds


class RegistryStuck(RegistryUnavailable):
    """A process on this host, which may be suspended, keeps the document locked: it is waited for, since what
    it has begun to write may be a lock that it takes."""


def is_limit(error: RegistryError) -> bool:
    """Whether the store asks to be left alone for a while, and asks everybody alike."""
    limited = isinstance(error, RegistryUnavailable) and error.retry_seconds is not None
    return limited and not isinstance(error, RegistryStuck)


class RegistryBehind(RegistryUnavailable):
    """The store shows an older state than it did before: doubt, from which nothing may be concluded."""


class RegistryGone(RegistryBehind):
    """The store shows no document where there was one: somebody deleted it, or the read lags behind."""


class RegistryForbidden(RegistryError):
    """The store refuses for good: permission, ruleset, missing bucket. Trying again does not help."""


class RegistryMisconfigured(RegistryForbidden):
    """Settings of this machine or job keep every request from the store: certificates, proxy, profile. It is
    no outage, and does not heal by itself."""


class RegistryUnreadable(RegistryError):
    """The document is damaged or foreign. It is never overwritten."""


class RegistryTooNew(RegistryUnreadable):
    """A newer version of deploy-coordinator wrote the document: there is a lock, and it cannot be
    understood."""


class StackSourceError(CoordinatorError):
    """CloudFormation did not give an answer. `temporary` says whether asking again may help, `throttled` that
    asking less may, `misconfigured` that only other settings of this machine or job do, `denied` that a
    permission is missing.

    It ends a step only before anything was changed; afterwards it makes the verdict unknown.
    """

    exit_code = 4

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        remedy: str = "",
        temporary: bool = True,
        throttled: bool = False,
        misconfigured: bool = False,
        denied: bool = False,
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.temporary = temporary
        self.throttled = throttled
        self.misconfigured = misconfigured
        self.denied = denied


class PageUnavailable(CoordinatorError):
    """GitHub's environments page could not be kept up to date. It never ends a step."""


class PullRequestUnavailable(CoordinatorError):
    """A pull request could not be read or commented. It never ends a step."""


class BehindUnavailable(CoordinatorError):
    """A service could not be asked about a resource. It never ends a step; it may be asked again."""


class BehindDenied(BehindUnavailable):
    """A permission is missing. `partly`: the service has more to tell without it, and may be asked again."""

    def __init__(self, permission: str, *, partly: bool = False) -> None:
        super().__init__(f"AWS denies `{permission}`")
        self.permission = permission
        self.partly = partly


class ChangeSetGone(StackSourceError):
    """The change set was deleted: executing one deletes its siblings."""


def _sentence(text: str) -> str:
    """Quoted texts may lack their full stop."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", ":", '."')) else f"{text}."
