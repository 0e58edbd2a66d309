"""One schedule: a world drawn from a seed, played to its end, and what was wrong with it."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from deploy_action.locking import compare_and_swap as swap
from deploy_action.locking.document import QueuePolicy, Ticket
from deploy_action.locking.stores import dynamodb
from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.github import STORE as GITHUB
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.s3 import S3Registry
from tests.simulation.actor import Actor
from tests.simulation.audit import OPERATOR, Audit
from tests.simulation.aws_doubles import ClientsDouble, DynamoDbDouble, S3Double
from tests.simulation.cloudformation import Cloud
from tests.simulation.deployment import Deployment, Scene, Wish, rerun_of
from tests.simulation.faults import CALM, PROFILES, Faults, Profile
from tests.simulation.gate import GatedRegistry
from tests.simulation.github_double import BRANCH, DOCUMENT_PATH, REPOSITORY, GitHubDouble, GitHubServer
from tests.simulation.history import Beside, History, decode
from tests.simulation.jobs import Job, Jobs
from tests.simulation.older_client import OlderClient
from tests.simulation.operators import Operator
from tests.simulation.scheduler import Scheduler
from tests.simulation.shapes import ACCOUNT, OTHER_ACCOUNT, Shapes
from tests.simulation.trace import Trace
from tests.simulation.troubles import TROUBLES

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from deploy_action.locking.ports import Registry

STORES = ("github", "s3", "dynamodb")
FAULTS_END = 1500.0
END_OF_TIME = 8 * 3600.0
SKEW_SECONDS = 6 * 3600.0
SKEW_SECONDS_TIMED = 250.0
FRESH = "fresh"
NEVER = float("inf")
REQUESTS_A_MINUTE = 6.0
REQUESTS_BESIDE = 16
"""To enter, to take the lock, to withdraw: what a waiter spends beyond its looks."""
REQUESTS_A_CHANGE = 2
"""What a waiter spends to read a change of the document: the head again, and the document."""
SLACK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Verdict:
    seed: int
    store: str
    profile: str
    violations: tuple[str, ...]
    coverage: Counter[str]
    trace: tuple[str, ...]
    points: dict[str, int] = field(default_factory=dict)
    """Await points of each actor, for the exhaustive crash mode."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a schedule is about. Without a plan of its own everything is drawn from the seed."""

    store: str
    profile: Profile
    actors: int
    stacks: int
    """How many stacks share the one lock."""
    two_locks: bool
    lease_seconds: float
    policies: tuple[QueuePolicy, ...]
    timed_freezes: bool
    """The end of a freeze is the one thing that wall clocks decide: they are off by minutes only then."""
    trouble: str = ""
    """What is planned beside the profile: one of `kinds.TROUBLES`."""
    hidden_jobs: float | None = None
    faults_end: float = FAULTS_END
    command: bool = False
    """Tools of their own deploy every stack of a ticket, one after the other."""

    @property
    def lock_names(self) -> tuple[str, ...]:
        return ("a", "b") if self.two_locks else ("prod",)


def draw(seed: int) -> Plot:
    dice = random.Random(f"plot {seed}")
    return Plot(
        store=STORES[seed % len(STORES)],
        profile=dice.choice(PROFILES),
        actors=dice.choice((2, 3, 3, 4, 5)),
        stacks=dice.choice((1, 1, 2, 3)),
        two_locks=dice.random() < 0.2,
        lease_seconds=dice.choice((60.0, 60.0, 90.0, 300.0)),
        policies=dice.choice(
            ((QueuePolicy.FIFO,), (QueuePolicy.FIFO,), (QueuePolicy.NEWEST,), tuple(QueuePolicy))
        ),
        timed_freezes=dice.random() < 0.4,
    )


def play(
    seed: int,
    *,
    plot: Plot | None = None,
    trace: bool = False,
    crash: tuple[str, int] | None = None,
) -> Verdict:
    """Play the schedule of `seed`; `crash` names an actor and the await point at which it crashes."""
    return World(seed, plot or draw(seed), trace=trace, crash=crash).play()


class World:
    """Servers, actors and the dice of one schedule.

    The product draws pauses from the global `random` and operation ids from `secrets`: both are seeded here,
    so that a schedule can be replayed. Nothing else in the process may draw from them meanwhile.
    """

    def __init__(self, seed: int, plot: Plot, *, trace: bool, crash: tuple[str, int] | None) -> None:
        self.seed = seed
        self.plot = plot
        self.dice = random.Random(f"world {seed}")
        self.scheduler = Scheduler()
        self.trace = Trace(self.scheduler, on=trace)
        self.faults = Faults(random.Random(f"faults {seed}"), plot.profile, plot.faults_end)
        self.audit = Audit(self.scheduler, self.faults, self.trace)
        self.history = History(self.scheduler, self.audit)
        self.stacks = tuple(f"app-{number}" for number in range(max(plot.stacks, 2)))
        self.clouds = {name: Cloud(self.audit, self.stacks, name) for name in (ACCOUNT, OTHER_ACCOUNT)}
        self.audit.watch(*self.clouds.values())
        self.jobs = Jobs()
        self.actors: list[Actor] = []
        self.reads = 0.0
        """How likely a deployment only reads under a lock."""
        self.heads = False
        """The stores keep heads, which those that wait look at (`locking.heads`)."""
        self.older = 0.0
        """How likely a deployment that only writes runs an earlier version of this action."""
        self.all_stacks = False
        """Each deployment changes all stacks, one after the other."""
        self.version_of: Callable[[bytes], str] = lambda _content: str(self.dice.randrange(10**12))
        """What the server calls a document that somebody puts there by hand."""
        self.prefers: tuple[str, ...] = ()
        """Actors that freezes let pass; with any, some deployments have a high priority."""
        self.one_stack = False
        """Whatever its locks are called, each deployment names the same stack."""
        self._crash = crash
        self._registry = self._store()
        self.shapes = Shapes(
            random.Random(f"shapes {seed}"),
            two_accounts=plot.profile is CALM or plot.trouble == "two accounts",
        )
        self.audit.compare = self.shapes.compare
        self.audit.said_to_run = lambda ticket, looked_before: self.jobs.seems_to_run(
            ticket, self.scheduler.time, looked_before=looked_before
        )
        self.scene = Scene(
            self._registry,
            self.clouds,
            self.jobs,
            self.audit.granted,
            self.audit.told_gone,
            self.audit.gave_way,
            self.shapes.compare,
        )

    def play(self) -> Verdict:
        _make_replayable(self.seed)
        self._plan_outages()
        self.audit.hidden = self.jobs.hidden
        if self.plot.trouble:
            TROUBLES[self.plot.trouble](self)
        for number in range(self.plot.actors):
            self._enter(f"d{number}", self._arrival(number))
        if self.prefers or self.faults.happens(self.plot.profile.operator, 0.0):
            self._enter_operator()
        self.scheduler.at(self.plot.faults_end + 60.0, self._enter_fresh)
        ended = self.scheduler.run(END_OF_TIME)
        if not self.audit.violations:
            self._judge(ended)
        for actor in self.actors:
            actor.bury()
        return Verdict(
            self.seed,
            self.plot.store,
            self.plot.profile.name,
            tuple(self.audit.violations),
            self.faults.coverage,
            tuple(self.trace.lines),
            {actor.name: actor.points for actor in self.actors},
        )

    def _arrival(self, number: int) -> float:
        return number * self.dice.choice((0.0, 1.0, 30.0)) * self.dice.random() * 2

    def _enter(self, name: str, at: float, *, rerun: Ticket | None = None) -> Actor:
        actor = self._actor(name)
        ticket = self._ticket(name, rerun)
        actor.is_older = not ticket.shared and self.older > 0 and self.dice.random() < self.older
        if actor.is_older:
            self.faults.count("deployment by an older version")
        profile = self.plot.profile
        self.audit.owners[ticket.nonce] = actor
        self.jobs.add(
            ticket.job,
            Job(
                actor,
                lag=self.dice.random() * profile.job_lag,
                stuck=self.dice.random() < profile.stuck_jobs,
                hidden=self.dice.random() < profile.unknown_jobs,
            ),
        )
        wish = self._wish(ticket, calm=at >= self.plot.faults_end)
        deployment = Deployment(self.scene, actor, wish)

        def life() -> None:
            try:
                actor.play(deployment.run)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect
                self.trace.add(actor.name, "{}", traceback.format_exc())
                self.audit.fail(f"4: {name} failed in an unforeseen way: {error!r}")

        actor.greenlet = self.scheduler.spawn(at, life)
        if rerun is None and self.dice.random() < 0.5:
            delay = self.dice.uniform(30.0, 400.0)
            self.scheduler.at(at + delay, lambda: self._rerun(actor, ticket))
        return actor

    def _rerun(self, actor: Actor, ticket: Ticket) -> None:
        """Somebody runs a job again that has crashed, or to deploy an old commit once more."""
        if actor.dead or (actor.ended and self.shapes.again()):
            self.faults.count("re-run of a crashed job" if actor.dead else "re-run of an old run")
            self._enter(f"{actor.name}'", self.scheduler.time, rerun=ticket)

    def _actor(self, name: str) -> Actor:
        actor = Actor(name, self.scheduler, self.faults, self.trace, random.Random(f"{name} {self.seed}"))
        if self.plot.profile is not CALM:
            most = SKEW_SECONDS_TIMED if self.plot.timed_freezes else SKEW_SECONDS
            actor.skew = self.dice.choice((0.0, self.dice.uniform(-most, most)))
            self.faults.count(
                "wall clock off by hours" if abs(actor.skew) > 3600.0 else "wall clock about right"
            )
            actor.rate = 1.0 + self.dice.uniform(-0.01, 0.01)
            actor.slowness = self.dice.choice((1.0, 1.0, 4.0))
        if self._crash is not None and self._crash[0] == name:
            actor.crash_at = self._crash[1]
        self.actors.append(actor)
        return actor

    def _ticket(self, name: str, rerun: Ticket | None) -> Ticket:
        number = len(self.actors)
        job, correlation_id = str(9000 + number), f"20270115-080000-{number:06x}"
        who = rerun.actor if rerun is not None else self.dice.choice(("ann", "bob"))
        nonce = f"nonce-{number}-{who}"
        if rerun is not None:
            return rerun_of(rerun, nonce, job, correlation_id)
        stack = f"app-{self.dice.randrange(self.plot.stacks)}"
        locks: tuple[str, ...] = ("prod",)
        if self.plot.two_locks:
            locks, stack = self.dice.choice(
                ((("a",), "app-0"), (("b",), "app-1"), (("a", "b"), "app-0"), (("a", "b"), "app-1"))
            )
        stacks = self.stacks if self.all_stacks else ("app-0",) if self.one_stack else (stack,)
        ticket = Ticket(
            nonce=nonce,
            correlation_id=correlation_id,
            locks=locks,
            shared=tuple(lock for lock in locks if self.reads and self.dice.random() < self.reads),
            stacks=tuple(f"eu-west-1/{name}" for name in stacks),
            policy=QueuePolicy.FIFO if name == FRESH else self.dice.choice(self.plot.policies),
            lease_seconds=self.plot.lease_seconds,
            repository=REPOSITORY,
            run_attempt="1",
            job=job,
            actor=who,
            priority="high" if self.prefers and self.dice.random() < 0.3 else "",
        )
        return self.shapes.dress(ticket)

    def _wish(self, ticket: Ticket, *, calm: bool) -> Wish:
        dice, hosted = self.dice, self.plot.store == "github"
        cancelled = not calm and dice.random() < self.plot.profile.cancels
        return Wish(
            ticket=ticket,
            stacks=tuple(text.partition("/")[2] for text in ticket.stacks),
            command=self.plot.command,
            wait=calm or dice.random() < 0.9,
            timeout_seconds=20000.0 if calm else dice.choice((300.0, 3600.0, 3600.0, 7200.0)),
            operation_seconds=dice.choice((15.0, 60.0, 200.0)) * (0.5 + dice.random()),
            watch_seconds=7200.0 if calm or dice.random() < 0.85 else 30.0,
            poll_seconds=GITHUB.poll_seconds if hosted else dice.choice((2.5, 10.0)),
            cancel_at=dice.uniform(10.0, FAULTS_END) if cancelled else NEVER,
        )

    def newcomer(self, name: str, at: float) -> None:
        """One that begins then, beyond those that the plot has."""
        self.scheduler.at(at, lambda: self._enter(name, self.scheduler.time))

    def _enter_fresh(self) -> None:
        """When the faults are over, somebody new must get every lock within the bound."""
        ahead = len(self.audit.document.tickets) + sum(not actor.ended for actor in self.actors)
        actor = self._enter(FRESH, self.scheduler.time)
        began = self.scheduler.time
        bound = ahead * self._longest_turn() + SLACK_SECONDS

        def check() -> None:
            if any(self.audit.owners[nonce] is actor for nonce in self.audit.grants):
                return
            stuck = self.audit.only_an_operator_frees(actor)
            if stuck is None:
                self.audit.fail(f"5: a newcomer waits for {bound:.0f} s already, behind {ahead}")
                return
            self.faults.count("a dead holder in another account waits for an operator")
            self._enter_operator_for(stuck.nonce)
            self.scheduler.at(self.scheduler.time + bound, check)

        self.scheduler.at(began + bound, check)

    def _longest_turn(self) -> float:
        """Of one ticket ahead: it is dead and its job is said to run (six leases), or it deploys (at most
        five attempts of 300 s, or an execution that never begins)."""
        return 6 * self.plot.lease_seconds + 900.0

    def _plan_outages(self) -> None:
        for _ in range(self.plot.profile.outages):
            begin = self.dice.uniform(0.0, FAULTS_END)
            self.faults.plan_outage(begin, begin + self.dice.choice((20.0, 90.0, 600.0)))
        for _ in range(self.plot.profile.partitions):
            begin = self.dice.uniform(0.0, 600.0)
            who = f"d{self.dice.randrange(self.plot.actors)}"
            self.faults.plan_outage(begin, begin + self.dice.choice((90.0, 600.0)), who)

    def _enter_operator(self) -> None:
        actor = self._actor(OPERATOR)
        actor.skew, actor.sturdy = 0.0, True
        operator = Operator(
            actor,
            self._registry(actor),
            self.plot.lock_names,
            timed=self.plot.timed_freezes,
            prefers=self.prefers,
        )
        actor.greenlet = self.scheduler.spawn(
            self.dice.uniform(60.0, 600.0), lambda: actor.play(operator.run)
        )

    def _enter_operator_for(self, nonce: str) -> None:
        actor = self._actor(OPERATOR)
        actor.skew, actor.sturdy = 0.0, True
        operator = Operator(actor, self._registry(actor), self.plot.lock_names, timed=False)
        actor.greenlet = self.scheduler.spawn(
            self.scheduler.time, lambda: actor.play(lambda: operator.free(nonce))
        )

    def _judge(self, ended: bool) -> None:
        if not ended:
            waiting = [actor.name for actor in self.actors if not actor.ended]
            self.audit.fail(f"5: {waiting} never came to an end")
            return
        for actor in self.actors:
            if not actor.dead and not actor.outcome:
                self.audit.fail(f"4: {actor.name} ended without an outcome")
        self.audit.reconcile()
        if self.plot.profile is CALM and self.plot.store == "github" and self._crash is None:
            self._judge_requests()

    def _judge_requests(self) -> None:
        """Of waiters and holders alike; a holder asks for less."""
        for actor in self.actors:
            minutes = ((actor.ended_at or 0.0) - actor.began_at) / 60.0
            allowed = REQUESTS_A_MINUTE * minutes + REQUESTS_BESIDE + REQUESTS_A_CHANGE * self.audit.changes
            if actor.requests > allowed:
                self.audit.fail(f"6: {actor.name} made {actor.requests} requests in {minutes:.1f} minutes")

    def _store(self) -> Callable[[Actor], Registry]:
        """A new registry object for each process, all on one server."""
        if self.plot.store == "github":
            server = GitHubServer(self.history)
            self.version_of = server.add
            return lambda actor: self._as_seen_by(actor, _on_github(server, actor))
        beside = Beside(self.scheduler)
        if self.plot.store == "s3":
            host = self.dice.choice(("s3.eu-west-1.amazonaws.com", "minio.example"))
            return lambda actor: self._as_seen_by(actor, _on_s3(self.history, beside, host, actor))
        return lambda actor: self._as_seen_by(actor, _on_dynamodb(self.history, beside, actor))

    def _as_seen_by(self, actor: Actor, registry: Registry) -> Registry:
        gated = GatedRegistry(registry, actor, heads=self.heads)
        return OlderClient(gated) if actor.is_older else gated


def _on_github(server: GitHubServer, actor: Actor) -> Registry:
    registry = GitHubRegistry("token", REPOSITORY, branch=BRANCH, path=DOCUMENT_PATH)
    registry._api = GitHubDouble(server, actor)  # type: ignore[assignment]
    return registry


def _on_s3(history: History, beside: Beside, host: str, actor: Actor) -> Registry:
    registry = S3Registry("bucket", DOCUMENT_PATH)
    registry._clients = ClientsDouble(S3Double(history, beside, DOCUMENT_PATH, host, actor))  # type: ignore[assignment]
    return registry


def _on_dynamodb(history: History, beside: Beside, actor: Actor) -> Registry:
    registry = DynamoDbRegistry("table")
    registry._clients = ClientsDouble(DynamoDbDouble(history, beside, actor))  # type: ignore[assignment]
    return registry


def _make_replayable(seed: int) -> None:
    random.seed(seed)
    dice = random.Random(f"ids {seed}")
    ids = SimpleNamespace(
        token_hex=lambda size: f"{dice.getrandbits(8 * size):0{2 * size}x}", randbelow=dice.randrange
    )
    vars(swap).update(secrets=ids, decode=decode)
    vars(dynamodb).update(secrets=ids)
