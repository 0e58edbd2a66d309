"""Which run of which workflow a ticket is of: what one deployment may stand for another by, and what not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.locking.document import QueuePolicy

if TYPE_CHECKING:
    import random

    from deploy_action.locking.document import Ticket

WORKFLOW = "org/app/.github/workflows/deploy.yml"
JOB_KEYS = (*["deploy"] * 10, "deploy 1", "deploy 2", "")
REFS = (*["refs/heads/main"] * 8, "refs/heads/feature")
ACCOUNT, OTHER_ACCOUNT = "111122223333", "999988887777"


class Shapes:
    """Dresses tickets, and knows how their commits stand to each other.

    A run's number need not rise with its arrival: an old run is run again. A commit is older than its run
    where a branch was set back. One leg of a matrix may be of the run that an earlier one was of.
    """

    def __init__(self, dice: random.Random, *, two_accounts: bool) -> None:
        """`two_accounts`: nobody takes over the lock of a dead one in another account."""
        self._dice = dice
        self._accounts = (ACCOUNT, ACCOUNT, OTHER_ACCOUNT) if two_accounts else (ACCOUNT,)
        self._numbers = sorted(dice.sample(range(100, 200), 40))
        self._runs: list[tuple[str, str, str]] = []
        """Id, number and commit."""
        self._unreadable = dice.random() < 0.3

    def dress(self, ticket: Ticket) -> Ticket:
        dice = self._dice
        if self._runs and dice.random() < 0.12:
            run = dice.choice(self._runs)
        else:
            number = self._numbers.pop(0 if dice.random() < 0.6 else dice.randrange(20))
            age = number if dice.random() < 0.85 else dice.randrange(100, 200)
            run = (str(1000 + number), str(number), f"{age:040x}")
            self._runs.append(run)
        return replace(
            ticket,
            run_id=run[0],
            run_number=run[1],
            commit=run[2],
            account=dice.choice(self._accounts),
            workflow_file=WORKFLOW,
            job_key=dice.choice(JOB_KEYS),
            ref=dice.choice(REFS),
        )

    def again(self) -> bool:
        """Whether somebody wants an old run's deployment again."""
        return self._dice.random() < 0.5

    def compare(self, base: str, head: str) -> str:
        """As GitHub's comparison; empty where the token may not see it."""
        if self._unreadable:
            return ""
        older, newer = int(base, 16), int(head, 16)
        return "identical" if older == newer else "ahead" if newer > older else "behind"


def makes_pointless(newer: Ticket, older: Ticket) -> bool:
    """Written anew, since what is audited is not asked: whether one deploys all that the other would, later
    in the history of the same workflow."""
    same = [
        (one.repository, one.account, one.workflow_file, one.job_key, one.ref, one.policy)
        for one in (newer, older)
    ]
    return (
        same[0] == same[1]
        and all(same[0])
        and newer.policy is QueuePolicy.NEWEST
        and newer.run_id != older.run_id
        and int(newer.run_number or 0) > int(older.run_number or 0) > 0
        and bool(older.stacks)
        and set(older.stacks) <= set(newer.stacks)
        and set(older.locks) <= set(newer.locks)
    )
