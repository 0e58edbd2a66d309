"""Who goes before whom, and what nobody passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.locking import admin, codec, queue_order
from deploy_action.locking import transitions as lock
from deploy_action.locking.document import Freeze
from tests.locking import test_queue_order as order
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Ticket
    from tests.mutants.mutant import Patch


@killed_by(
    order.TestPriority.test_a_hotfix_is_next_and_does_not_pass_the_holder,
    order.TestPromotion.test_it_is_next_before_all_that_wait_and_behind_the_holder,
)
def a_high_priority_passes_a_holder(patch: Patch) -> None:
    def ahead_of(original: Any, document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
        return () if queue_order.is_high(ticket) else tuple(original(document, ticket))

    patch.function(lock.ahead_of, ahead_of)


@killed_by(order.TestPriority.test_two_hotfixes_are_served_in_order_of_arrival)
def a_high_priority_passes_its_equals(patch: Patch) -> None:
    def placed(original: Any, document: Document, ticket: Ticket, **more: Any) -> Any:
        return original(document, ticket, **{**more, "promoted": queue_order.is_high(ticket)})

    patch.function(queue_order.placed, placed)


@killed_by(order.TestFreezeThatLetsSomebodyPass.test_who_is_allowed_deploys_and_the_freeze_stays_for_the_rest)
def who_may_pass_lifts_the_freeze(patch: Patch) -> None:
    def grant(original: Any, document: Document, nonce: str, **more: Any) -> Any:
        new = original(document, nonce, **more)
        thawed = {name: replace(one, freeze=None) for name, one in new.locks.items()} if new else {}
        return new and replace(new, locks=thawed)

    patch.function(lock.grant, grant)


@killed_by(order.TestFreezeThatLetsSomebodyPass.test_nobody_else_is)
def a_freeze_with_exceptions_lets_everybody_pass(patch: Patch) -> None:
    patch.function(Freeze.admits, lambda original, self, ticket: bool(self.allow))


@killed_by(order.TestFreezeThatLetsSomebodyPass.test_a_hotfix_that_the_freeze_holds_does_not_stand_in_its_way)
def priority_comes_before_a_freeze(patch: Patch) -> None:
    def goes_before(
        original: Any, document: Document, ticket: Ticket, other: Ticket, *, at: str, promoted: bool
    ) -> bool:
        return promoted or bool(
            original(document, ticket, other, at=at, promoted=queue_order.is_high(ticket))
        )

    patch.function(queue_order._goes_before, goes_before)


@killed_by(order.TestOlderVersions.test_a_freeze_that_replaced_it_lets_nobody_pass)
def an_exception_outlives_its_freeze(patch: Patch) -> None:
    def freeze_in(original: Any, data: Any, allow: Any) -> Any:
        return original(data, allow and {**allow, "since": data["since"]})

    patch.function(codec._freeze_in, freeze_in)


@killed_by(
    order.TestPromotion.test_it_is_told_and_audited_with_its_reason,
    order.TestPriority.test_those_that_are_passed_read_by_whom_and_why,
)
def who_is_passed_is_told_nothing(patch: Patch) -> None:
    patch.function(queue_order.passed_by, lambda _original, _ticket, _ahead: iter(()))


@killed_by(order.TestPromotion.test_it_is_told_and_audited_with_its_reason)
def a_promotion_leaves_no_trace(patch: Patch) -> None:
    def promote(original: Any, document: Document, nonce: str, **more: Any) -> Any:
        return replace(original(document, nonce, **more), audit=document.audit)

    patch.function(admin.promote, promote)
