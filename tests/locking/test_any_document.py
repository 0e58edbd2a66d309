"""Whatever stands in a registry: a clear error, or a deployment that destroys nothing of others."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deploy_action.errors import Busy, CoordinatorError, RegistryUnreadable
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Ticket
from tests.clock import VirtualClock
from tests.locking.memory_registry import MemoryRegistry
from tests.locking.test_codec import REAL_BYTES, any_text, documents, json_values, real

anything = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def deal_with(content: bytes) -> None:
    """A whole deployment's dealings with a registry that holds this."""
    registry = MemoryRegistry(content)
    client = LockClient(
        registry,
        VirtualClock(),
        Ticket("ours", "id-ours", ("prod",), ("eu-west-1/app",)),
        stacks_in_progress=list,
        poll_seconds=5.0,
    )
    refusal: CoordinatorError | None
    try:
        client.acquire(wait=False, timeout_seconds=0.0, tell=lambda waiting: None)
    except (RegistryUnreadable, Busy) as error:
        refusal = error
    else:
        refusal = None
    if refusal is not None:
        assert (bool(refusal.what), bool(refusal.remedy)) == (True, True)
        if isinstance(refusal, RegistryUnreadable):
            assert registry.written == [content]
        else:  # that the lock is busy was proven by a write
            first, last = decode(content), registry.document
            counted = {name: getattr(first, name) for name in ("revision", "operations", "generation")}
            assert replace(last, **counted) == first
        return
    before = decode(content)
    client.renew()
    assert client.release(outcome="succeeded")
    after = registry.document
    assert [t for t in after.tickets if t.nonce != "ours"] == [t for t in before.tickets if t.nonce != "ours"]
    assert after.extra == before.extra
    assert after.audit == before.audit
    assert all(after.locks[name].epoch >= lock.epoch for name, lock in before.locks.items())


@anything
@given(st.binary(max_size=200))
@example(b"")
@example(b"null")
@example(b"[" * 100_000)
@example(REAL_BYTES[:-3])
def test_any_bytes(content: bytes) -> None:
    deal_with(content)


@anything
@given(documents())
def test_any_document(document: Any) -> None:
    deal_with(encode(document))


@anything
@given(st.sampled_from(sorted(real())), json_values)
@example("locks", {"prod": {"freeze": {"until": "9" * 5000}}})
@example("locks", {"prod": {"epoch": 2**63}})
@example("arrivals", 2**63)
def test_any_value_in_place_of_a_part(part: str, value: object) -> None:
    deal_with(json.dumps({**real(), part: value}).encode())


@anything
@given(any_text, json_values)
@example("until", 5)
def test_any_freeze(name: str, value: object) -> None:
    data = real()
    data["tickets"] = []
    data["locks"]["prod"] = {"freeze": {"by": "ada", "reason": "x", name: value}}
    deal_with(json.dumps(data).encode())
