"""The doorbell hastens looks; it neither decides nor takes what is somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.monitoring.doorbell import DoorbellTrust
from deploy_action.monitoring.doorbell_listener import QueueDoorbell
from deploy_action.monitoring.doorbell_messages import Belonging, Ears, parse_ring
from deploy_action.monitoring.doorbell_watch import DoorbellWatch
from tests.monitoring import test_doorbell, test_doorbell_queue
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_doorbell_queue.test_jobs_on_one_queue_do_not_steal_from_each_other)
def a_message_of_another_job_is_deleted(patch: Patch) -> None:
    def take(_original: object, self: QueueDoorbell, messages: object) -> bool:
        for one in messages:  # type: ignore[attr-defined]
            ring = parse_ring(one.body)
            if ring is not None and self._ears.belonging(ring) is Belonging.OWN:
                self._heard(ring)
        self._queue.delete(messages)  # type: ignore[arg-type]
        return False

    patch.function(QueueDoorbell._take, take)


@killed_by(test_doorbell.test_to_whom_a_message_belongs)
def a_name_is_enough_to_own_a_message(patch: Patch) -> None:
    patch.function(
        Ears.belonging,
        lambda _original, self, ring: (
            Belonging.OWN if any(ring.stack_name == name for _, name in self.names) else Belonging.FOREIGN
        ),
    )


@killed_by(
    test_doorbell.test_a_lost_message_costs_the_trust_and_three_cost_it_for_good,
    test_doorbell.test_silence_is_said_once_and_a_message_later_still_proves,
)
def a_doorbell_that_loses_messages_is_trusted(patch: Patch) -> None:
    patch.function(DoorbellTrust.judge, lambda _original, _self, _now: iter(()))


@killed_by(test_doorbell.test_a_doorbell_that_cannot_be_heard_any_more_leaves_polling_as_it_was)
def a_deaf_doorbell_keeps_looks_rare(patch: Patch) -> None:
    patch.function(DoorbellWatch._proven, lambda _original, self, region: self._trust.proven(region))
