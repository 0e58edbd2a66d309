"""Taking the lock and waiting for the stacks, and being told about both."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.core.document import Ticket
from deploy_action.core.times import duration, iso
from deploy_action.engine.idle import ref_of, wait_until_idle
from deploy_action.engine.keeper import Keeper, without_registry
from deploy_action.errors import CoordinatorError, RegistryError, StackSourceError
from deploy_action.inputs import WhenBusy
from deploy_action.steps.world import optional

if TYPE_CHECKING:
    from deploy_action.core.stacks import StackRef
    from deploy_action.engine.lock_client import Grant, LockClient
    from deploy_action.inputs import Settings
    from deploy_action.steps.state import JobState
    from deploy_action.steps.world import World
    from deploy_action.wiring import Wiring


class Coordination:
    """This deployment among the others. What becomes known goes into `state`; `keeper` is None where there is
    no lock to keep."""

    def __init__(self, world: World, wiring: Wiring, settings: Settings, state: JobState) -> None:
        self._world = world
        self._wiring = wiring
        self._settings = settings
        self._state = state
        self.keeper: Keeper | None = None

    def begin(self) -> None:
        """Take the lock and wait for the stacks; without a registry, CloudFormation's own status coordinates.

        Raises Busy, Superseded, Cancelled, LockLost.
        """
        world, state = self._world, self._state
        started = world.clock.monotonic()
        grant: Grant | None = None
        client: LockClient | None = None
        try:
            client = self._client(self._ticket())
            grant = self._queue(client, self._settings.wait_seconds)
        except RegistryError as error:
            self._degraded(without_registry(error))
        if client is not None:
            self.keeper = self._keeper(client, alone=grant is None)
        waited = world.clock.monotonic() - started
        try:
            self.wait_for_stacks(
                grant.settling if grant else (), timeout_seconds=self._settings.wait_seconds - waited
            )
        except CoordinatorError:
            if grant is not None and client is not None:
                self._let_go(client)
            raise
        finally:
            self.remember()
            state.report = replace(state.report, queue_seconds=world.clock.monotonic() - started)

    def resume(self) -> None:
        """Go on with the lock that an earlier step took, or could not ask for."""
        ticket = self._state.ticket
        if ticket is None:
            return
        try:
            client = self._client(ticket)
        except RegistryError as error:
            self._degraded(without_registry(error))
            return
        self.keeper = self._keeper(client, alone=self._state.alone)

    def keep(self) -> None:
        """Renew the lock when it is time to. Raises LockLost, once."""
        if self.keeper is not None:
            self.keeper.keep()

    def fence(self) -> None:
        """The last moment before something changes: is the lock still ours? Raises LockLost; and Busy or
        Cancelled where it had to be queued for only now, since the registry is back."""
        if self.keeper is None:
            return
        grant = self.keeper.fence()
        self.remember()
        if grant is not None:
            self.wait_for_stacks(grant.settling, timeout_seconds=self._settings.wait_seconds)

    def wait_for_stacks(self, settling: tuple[str, ...] = (), *, timeout_seconds: float) -> None:
        """Until nobody works on the stacks, nor on what an earlier holder left in progress.

        Raises Busy, Cancelled, LockLost.
        """
        world = self._world
        found: list[StackRef] = []
        for text in settling:
            try:
                found.append(ref_of(text))
            except ValueError:
                world.teller.note(f"The registry names a stack that cannot be read: {text}")
        try:
            wait_until_idle(
                self._wiring.cloudformation,
                world.clock,
                (*self._settings.stacks, *found),
                timeout_seconds=max(0.0, timeout_seconds),
                tell=world.teller.waiting_for_stacks,
                cancelled=world.cancelled,
                alive=self.keep,
            )
            if settling and self.keeper is not None:
                self.keeper.settled()
        except StackSourceError as error:
            world.teller.note(f"Whether the stacks are at rest could not be seen: {error}")
        except RegistryError as error:
            world.teller.note(f"The lock could not be kept up to date: {error}")

    def remember(self) -> None:
        """Hand on what became of the lock."""
        if self.keeper is not None:
            ticket = self.keeper.ticket
            self._state.ticket, self._state.alone = ticket, self.keeper.alone
            self._state.report = replace(self._state.report, epoch=ticket.epoch or self._state.report.epoch)

    def _keeper(self, client: LockClient, *, alone: bool) -> Keeper:
        return Keeper(
            client,
            self._world.clock,
            tell=self._degraded,
            queue=lambda: self._queue(client, self._settings.wait_seconds),
            alone=alone,
        )

    def _queue(self, client: LockClient, timeout_seconds: float) -> Grant:
        teller, state = self._world.teller, self._state
        try:
            grant = client.acquire(
                wait=self._settings.when_busy is WhenBusy.WAIT,
                timeout_seconds=timeout_seconds,
                tell=teller.waiting,
            )
        finally:
            if self._wiring.runs is not None and self._wiring.runs.trouble:
                teller.line(self._wiring.runs.trouble)
        state.report = replace(state.report, epoch=grant.ticket.epoch, waited_for=grant.waited_for)
        for sentence in grant.taken_over:
            teller.note(sentence)
        queued = f" after {duration(grant.queue_seconds)} in the queue" if grant.waited_for else ""
        teller.line(f"Holds the lock {', '.join(grant.ticket.locks)} (turn {grant.ticket.epoch}){queued}.")
        return grant

    def _client(self, ticket: Ticket) -> LockClient:
        """Should this step be killed while it asks, `post` can still take the ticket back."""
        self._state.ticket = ticket
        optional(self._world.teller, "Keeping the state", lambda: self._world.folder.save(self._state))
        return self._wiring.lock_client(ticket, self._world.clock, cancelled=self._world.cancelled)

    def _ticket(self) -> Ticket:
        run, settings, state = self._world.run, self._settings, self._state
        if settings.registry.kind == "file" and run.hosted_runner:
            self._world.teller.note(
                "The registry is a file on a GitHub-hosted runner, whose disk is shared with nobody: this "
                "lock keeps nobody apart. Use `registry: github`, s3:// or dynamodb://."
            )
        return Ticket(
            nonce=secrets.token_hex(16),
            correlation_id=state.report.correlation_id,
            locks=state.report.locks,
            stacks=tuple(f"{stack.region}/{stack.name}" for stack in settings.stacks),
            policy=settings.queue_policy,
            requested_at=iso(self._world.clock.now()),
            repository=run.repository,
            run_id=run.run_id,
            run_attempt=run.run_attempt,
            job=run.check_run_id or run.job,
            actor=run.actor,
            workflow=run.workflow,
            url=run.url,
            commit=run.commit,
        )

    def _let_go(self, client: LockClient) -> None:
        try:
            client.release(outcome="withdrawn")
        except RegistryError as error:
            self._world.teller.note(f"The lock could not be given back; it ends with its lease: {error}")
            return
        self._state.ticket, self.keeper = None, None

    def _degraded(self, sentence: str) -> None:
        """Told in the log and in the summary by the note, in the channel by the report."""
        self._world.teller.note(sentence)
        report = self._state.report
        self._state.report = replace(report, fallback=f"{report.fallback} {sentence}".strip())
