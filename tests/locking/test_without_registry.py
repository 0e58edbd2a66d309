"""What may be done while the registry is away, as a table."""

from __future__ import annotations

import pytest

from deploy_action.locking.document import Document, Freeze, Lock, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.without_registry import (
    BLIND_LEASES,
    SPREAD_SECONDS,
    Rest,
    holds_by_lease,
    last_seen,
    waited_for,
)

LEASE = 60.0
LONG = BLIND_LEASES * LEASE
HOLDER = Ticket("h", "id-h", ("prod",), epochs=(("prod", 1),), lease_seconds=LEASE)
WAITER = Ticket("w", "id-w", ("prod",), lease_seconds=LEASE)


@pytest.mark.parametrize(
    ("life", "rest", "blind", "quiet", "place", "waits"),
    [
        (JobStatus.RUNNING, Rest.AT_REST, 1e6, 1e6, 0, True),
        (JobStatus.COMPLETED, Rest.IN_PROGRESS, 1e6, 0.0, 0, True),
        (JobStatus.UNKNOWN, Rest.IN_PROGRESS, 1e6, 0.0, 0, True),
        (JobStatus.COMPLETED, Rest.AT_REST, 0.0, 0.0, 0, False),
        (JobStatus.COMPLETED, Rest.UNSEEN, LONG - 1, LONG, 0, True),
        (JobStatus.COMPLETED, Rest.UNSEEN, LONG, LONG, 0, False),
        (JobStatus.UNKNOWN, Rest.AT_REST, LONG - 1, LONG, 0, True),
        (JobStatus.UNKNOWN, Rest.AT_REST, LONG, LONG, 0, False),
        (JobStatus.UNKNOWN, Rest.AT_REST, LONG, LONG, 1, True),
        (JobStatus.UNKNOWN, Rest.AT_REST, LONG + 2 * SPREAD_SECONDS, 2 * SPREAD_SECONDS - 1, 2, True),
        (JobStatus.UNKNOWN, Rest.AT_REST, LONG + 2 * SPREAD_SECONDS, 2 * SPREAD_SECONDS, 2, False),
    ],
)
def test_one_that_was_ahead_is_waited_for(  # noqa: PLR0917
    life: JobStatus, rest: Rest, blind: float, quiet: float, place: int, waits: bool
) -> None:
    why = waited_for(HOLDER, place=place, life=life, rest=rest, blind_seconds=blind, quiet_seconds=quiet)
    assert bool(why) is waits
    assert not why or "id-h held the lock when the registry was last seen" in why


@pytest.mark.parametrize(
    ("ticket", "confirmed", "holds"),
    [
        (HOLDER, 0.0, True),
        (HOLDER, 56.9, True),
        (HOLDER, 57.1, False),
        (HOLDER, None, False),
        (WAITER, 0.0, False),
    ],
)
def test_a_lease_holds_for_less_than_its_length_since_it_was_confirmed(
    ticket: Ticket, confirmed: float | None, holds: bool
) -> None:
    assert holds_by_lease(ticket, confirmed_seconds=confirmed) is holds


def test_what_was_seen_last_tells_who_stood_before_and_behind_and_what_was_frozen() -> None:
    freeze = Freeze("ann", "audit", "")
    stranger = Ticket("s", "id-s", ("other",))
    behind = Ticket("b", "id-b", ("prod",))
    document = Document({"prod": Lock(1, freeze=freeze)}, (HOLDER, stranger, WAITER, behind))
    seen = last_seen(document, WAITER, at="2027-01-01T00:00:00Z")
    assert (seen.ahead, seen.behind, seen.freeze) == ((HOLDER,), (behind,), freeze)
