"""`mode: ask`: the state of the lock as outputs, for conditions of later steps. The registry is only read,
and no stack is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.escape import log_text, machine_json
from deploy_action.common.slow_call import SlowCall
from deploy_action.common.times import iso
from deploy_action.errors import CannotStart, RegistryError, RegistryMisconfigured, RegistryTooNew
from deploy_action.job.default_locks import lock_names
from deploy_action.job.new_ticket import new_ticket
from deploy_action.job.required_outputs import hand_on
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS, Swapper
from deploy_action.locking.document import QueuePolicy
from deploy_action.locking.lock_state import ahead_as_json, lock_state
from deploy_action.locking.messages import away
from deploy_action.locking.queue_words import who_is_ahead
from deploy_action.locking.without_registry import WhenAway
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.locking.document import Document
    from deploy_action.locking.lock_state import LockState

UNKNOWN = {"locked": "unknown", "holder": "", "ahead": "[]", "free-at": ""}


def ask(job: JobContext, settings: Settings, state: JobState) -> int:
    """Raises CannotStart where the lock has no name or its store cannot be set up, RegistryAway where the
    registry does not answer and `when-registry-away` does not let it go on."""
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    locks = lock_names(job, wiring, settings)
    state.report = replace(state.report, environment=settings.environment, locks=locks)
    names = log_text(", ".join(locks))
    document = _document(job, wiring, settings)
    outputs = {**UNKNOWN, "outcome": Outcome.SKIPPED.value, "deployed": "false"}
    if document is None:
        job.reporter.note(f"The state of the lock {names} is not known: the output `locked` is `unknown`.")
    else:
        # Order of arrival: those that it would supersede are named all the same.
        fifo = replace(settings, queue_policy=QueuePolicy.FIFO)
        ticket = new_ticket(job, wiring, fifo, state)
        if settings.stacks and not ticket.account:
            job.reporter.line(
                "The AWS account is not known, so deployments of these stacks under other locks are not seen."
            )
        found = lock_state(document, ticket, at=iso(job.clock.now()), own=wiring.borrower.may_use)
        job.reporter.line(sentence(names, found))
        outputs |= {
            "locked": "true" if found.locked else "false",
            "holder": log_text(found.holder.correlation_id) if found.holder is not None else "",
            "ahead": machine_json(ahead_as_json(found.ahead)),
            "free-at": found.free_at,
        }
    hand_on(job, outputs)
    return 0


def _document(job: JobContext, wiring: Wiring, settings: Settings) -> Document | None:
    """None where the registry does not answer and `when-registry-away: go-on` holds."""
    waits = settings.when_registry_away is WhenAway.WAIT
    patience_seconds = max(PATIENCE_SECONDS, settings.wait_seconds) if waits else PATIENCE_SECONDS
    began = job.clock.monotonic()
    try:
        with SlowCall("the registry", job.reporter.line, job.clock):
            return Swapper(wiring.registry(), job.clock).read(patience_seconds=patience_seconds)
    except (RegistryMisconfigured, RegistryTooNew) as error:
        raise CannotStart(error.what, why=error.why, remedy=error.remedy) from error
    except RegistryError as error:
        if settings.when_registry_away is not WhenAway.GO_ON:
            raise away(error, job.clock.monotonic() - began if waits else 0.0) from error
        job.reporter.note(f"The registry cannot be used: {error}")
        return None


def sentence(names: str, found: LockState) -> str:
    """One line for the log; safe to print where `names` is."""
    if not found.locked:
        return f"The lock {names} is free."
    parts = [f"The lock {names} is not free"]
    if found.ahead:
        parts.append(f": {who_is_ahead(found.ahead, None)}")
    if found.freeze is not None:
        freeze = found.freeze
        end = f"until {freeze.until}" if freeze.until else "until somebody lifts it"
        parts.append(log_text(f"; {freeze.by} froze it {end}: {freeze.reason}"))
    return f"{''.join(parts)}."
