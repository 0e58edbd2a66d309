"""Kinds of schedules in which the registry is away, refuses, lags or is replaced, each planned on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.locking.codec import encode
from deploy_action.locking.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.schedule import World


def outage(world: World) -> None:
    """For everybody, while some wait in the queue; longer than anybody may be waited for blindly."""
    begin = world.dice.uniform(20.0, 150.0)
    world.faults.plan_outage(begin, begin + world.dice.choice((400.0, 1500.0, 4000.0)))


def one_is_blind(world: World) -> None:
    """One is cut off for long; the others see the registry."""
    for number in range(world.plot.actors):
        if world.dice.random() < 0.5:
            begin = world.dice.uniform(5.0, 200.0)
            world.faults.plan_outage(begin, begin + world.dice.choice((200.0, 1000.0, 3000.0)), f"d{number}")


def limit(world: World) -> None:
    """A rate limit that names its end: of a minute for newcomers and fences, or of half an hour."""
    for begin in (world.dice.uniform(0.0, 60.0), world.dice.uniform(60.0, 400.0)):
        world.faults.plan_limit(begin, begin + world.dice.choice((60.0, 600.0, 1800.0)))


def refused(world: World) -> None:
    """Tokens die in the queue."""
    for number in range(world.plot.actors):
        if world.dice.random() < 0.5:
            begin = world.dice.uniform(20.0, 300.0)
            world.faults.plan_refusal(begin, float("inf"), f"d{number}")


def restored(world: World) -> None:
    """Somebody puts an older state of the document back."""
    age = world.dice.uniform(20.0, 300.0)
    world.scheduler.at(world.dice.uniform(60.0, 500.0), lambda: world.history.replace(age))


def deleted(world: World) -> None:
    world.scheduler.at(world.dice.uniform(60.0, 500.0), lambda: world.history.replace(None))


def begun_anew(world: World) -> None:
    """Somebody deletes it, and strangers have written as often again before anybody looks."""
    at, more = world.dice.uniform(30.0, 300.0), world.dice.randrange(40)

    def begin() -> None:
        writes = world.audit.document.revision + more
        content = encode(Document(revision=writes, generation="another"))
        world.history.put(world.version_of(content), content)

    world.scheduler.at(at, begin)
    world.newcomer("stranger", at + world.dice.uniform(0.0, 60.0))


def readers(world: World) -> None:
    """Most of them only read under the lock; some are cut off for a while."""
    world.reads = 0.65
    one_is_blind(world)


def version_skew(world: World) -> None:
    """Some run an earlier version, which knows no readers: it takes each for a holder like any other."""
    world.older = 0.6
    readers(world)


def tools(world: World) -> None:
    """Tools of their own deploy all stacks, and ask in between; some are cut off meanwhile."""
    world.all_stacks = True
    one_is_blind(world)


def two_accounts(world: World) -> None:
    """Locks and stacks of the same names in two accounts (`Shapes`); some are cut off, so that they leave
    without a word."""
    one_is_blind(world)


def priorities(world: World) -> None:
    """Some have a high priority, somebody is promoted, and freezes let one person pass; some are cut off."""
    world.prefers = ("ann",)
    one_is_blind(world)


def one_stack(world: World) -> None:
    """Locks of different names, and one stack."""
    world.one_stack = True


def heads(world: World) -> None:
    """Those that wait look at heads in place of the document; some run a version that writes none, and some
    are cut off for a while."""
    world.heads = True
    world.older = world.dice.choice((0.0, 0.0, 0.4))
    one_is_blind(world)


TROUBLES: dict[str, Callable[[World], None]] = {
    "outage": outage,
    "one is blind": one_is_blind,
    "limit": limit,
    "refused": refused,
    "restored": restored,
    "deleted": deleted,
    "begun anew": begun_anew,
    "readers": readers,
    "tools": tools,
    "version skew": version_skew,
    "two accounts": two_accounts,
    "priorities": priorities,
    "one stack": one_stack,
    "heads": heads,
}
