"""What a glob costs an account: read whole at the begin and the end, and only what is in progress between."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.monitoring.baseline import take_baseline
from deploy_action.monitoring.event_stream import SPACED_SECONDS, EventStream
from deploy_action.monitoring.watch_loop import End, WatchLoop
from tests.clock import VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import client
from tests.listener import SilentListener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

REGION = "eu-west-1"
TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
SLOW = json.dumps(
    {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Metadata": {"TestGround": {"Seconds": 40}}}}}
)


class Told(SilentListener):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:
        self.names |= {event.stack_id.split("/")[1] for event in events}


class Account:
    """An account with stacks at rest, and a command that works on some for `seconds`."""

    def __init__(self, server: CloudFormationServer, clock: VirtualClock) -> None:
        self.server, self.clock = server, clock
        self.told = Told()
        self.sent: list[tuple[float, str]] = []

    def create(self, *names: str, template: str = TEMPLATE) -> None:
        cloudformation = client(self.server)
        for name in names:
            cloudformation.create_stack(StackName=name, TemplateBody=template)

    def watch(self, begins: dict[float, tuple[str, str]], *, seconds: float = 60.0) -> tuple[End, float]:
        """`begins`: stack and template by the second in which the command creates it. Returns the end, and by
        how many seconds it came after the command's."""
        source = CloudFormation(AwsClients(), one_try=True)
        self.server.requests.clear()
        baseline = take_baseline(
            source, (StackRef(REGION, "shop-*"),), between=lambda: self.clock.sleep(SPACED_SECONDS)
        )
        watcher = EventStream(source, baseline)
        start, due = self.clock.monotonic(), dict(begins)

        def over() -> bool:
            for second in [second for second in due if self.clock.monotonic() - start >= second]:
                name, template = due.pop(second)
                self.create(name, template=template)
            return self.clock.monotonic() - start >= seconds

        end = WatchLoop(
            watcher,
            self.clock,
            self.told,
            done=lambda: over() and not watcher.working,
            cancelled=lambda: bool(over() and False),
            timeout_seconds=600.0,
            hurry=over,
        ).run()
        return end, self.clock.monotonic() - start - seconds

    def lists(self) -> int:
        return sum(n for key, n in self.server.requests.items() if "ListStacks" in key)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    clock = VirtualClock()
    with CloudFormationServer(clock.now) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield Account(server, clock)


@pytest.mark.parametrize("stacks", [30, 250, 550])
def test_an_account_is_listed_whole_twice_and_what_is_in_progress_between(
    account: Account, stacks: int
) -> None:
    account.create(*(f"other-{number}" for number in range(stacks)))
    account.clock.sleep(100.0)
    end, late = account.watch({20.0: ("shop-new", SLOW)})
    pages = 1 + stacks // 100
    assert end is End.DONE
    assert account.told.names == {"shop-new"}
    # Deleted stacks are listed at the end too; a look that showed something is repeated.
    assert 2 * pages < account.lists() <= 10 + 3 * pages
    assert late <= 5.0 + 3 * pages * SPACED_SECONDS


def test_a_stack_that_begins_and_ends_between_two_lists_is_found_at_the_end(account: Account) -> None:
    end, _ = account.watch({52.0: ("shop-quick", TEMPLATE)})
    assert end is End.DONE
    assert account.told.names == {"shop-quick"}


def test_many_stacks_that_match_do_not_delay_the_end(account: Account) -> None:
    end, late = account.watch({1.0 + number / 4: (f"shop-{number}", TEMPLATE) for number in range(120)})
    assert end is End.DONE
    assert len(account.told.names) == 120
    assert late <= 12.0


def test_the_requests_of_a_look_at_everything_are_spaced(account: Account) -> None:
    times: list[float] = []
    sent = account.server.requests
    account.create(*(f"shop-{number}" for number in range(40)))
    account.clock.sleep(100.0)
    source = CloudFormation(AwsClients(), one_try=True)
    refs = tuple(StackRef(REGION, f"shop-{number}") for number in range(40))
    watcher = EventStream(source, take_baseline(source, refs))

    def pause(seconds: float) -> None:
        times.append(sent.total())
        account.clock.sleep(seconds)

    watcher.poll(account.clock.monotonic(), complete=True, pause=pause)
    assert max(Counter(times).values()) <= 1 + 1
    assert len(times) >= 30
