"""What a job may do without its state, and without the lock that a step of it did not get."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.job import lost_state
from deploy_action.job.coordination import Coordination
from deploy_action.steps import lock as halves
from tests.jobs.test_bad_days import TestTheStateIsLost
from tests.jobs.test_halves import (
    test_a_job_whose_lock_step_lost_its_lock_is_told_or_ends_red as test_lost,
)
from tests.jobs.test_halves import (
    test_a_lock_step_confirms_what_it_holds_and_names_its_turn as test_confirms,
)
from tests.jobs.test_halves import (
    test_a_lock_step_that_gave_way_ends_its_job_unless_the_input_asks_to_go_on as test_gave_way,
)
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from deploy_action.job.context import JobContext
    from deploy_action.locking.document import Document, Ticket
    from tests.mutants.mutant import Patch

OTHERS = TestTheStateIsLost.test_it_leaves_that_of_another_job_alone


@killed_by(TestTheStateIsLost.test_post_finds_its_lock_by_run_and_job)
def a_job_whose_state_is_lost_leaves_its_lock(patch: Patch) -> None:
    patch.function(lost_state.of_job, lambda _original, world, document: [])


@killed_by(
    Case(OTHERS, "DEPLOY_COORDINATOR_CHECK_RUN_ID0"),
    Case(OTHERS, "GITHUB_RUN_ID"),
    Case(OTHERS, "GITHUB_RUN_ATTEMPT"),
    Case(OTHERS, "GITHUB_REPOSITORY"),
)
def a_job_whose_state_is_lost_gives_anybodys_lock_back(patch: Patch) -> None:
    def of_all(_original: Any, world: JobContext, document: Document) -> list[Ticket]:
        return list(document.tickets)

    patch.function(lost_state.of_job, of_all)


@killed_by(Case(OTHERS, "DEPLOY_COORDINATOR_CHECK_RUN_ID1"))
def a_job_without_an_id_is_told_by_its_key(patch: Patch) -> None:
    def by_key(original: Any, world: JobContext, wiring: Any) -> None:
        run = replace(world.run, check_run_id=world.run.check_run_id or "71")
        original(replace(world, run=run), wiring)

    patch.function(lost_state.give_back_by_job, by_key)


@killed_by(Case(test_gave_way, "asked0-8"))
def a_lock_step_that_gave_way_lets_its_job_go_on(patch: Patch) -> None:
    patch.function(halves._may_go_on, lambda _original, error, settings: True)


@killed_by(test_confirms)
def a_lock_step_believes_in_its_grant(patch: Patch) -> None:
    patch.function(Coordination.fence, lambda _original, self, *more: ())


@killed_by(Case(test_lost, "stop-5"))
def a_keeper_that_lost_the_lock_says_nothing(patch: Patch) -> None:
    patch.function(halves._remember, lambda _original, job, coordination, state: None)
