"""The doorbell: messages hasten looks and make them rare, and never decide anything."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.monitoring.baseline import Baseline
from deploy_action.monitoring.doorbell import DoorbellTrust, hasten, is_known
from deploy_action.monitoring.doorbell_address import DoorbellAddress, parse_doorbell
from deploy_action.monitoring.doorbell_messages import Belonging, Ears, parse_ring
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.poll_scheduler import PollSlot, Schedule
from deploy_action.monitoring.watch_loop import End, WatchLoop
from tests.clock import VirtualClock
from tests.cloudformation.story import resource, stack
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.event_bridge import STACK_ID, VirtualDoorbell, message
from tests.listener import SilentListener

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.monitoring.doorbell import Doorbell
    from deploy_action.monitoring.doorbell_messages import Ring

REGION = "eu-west-1"
REF = StackRef(REGION, "shop")


def ring(**arguments: Any) -> Ring:
    found = parse_ring(json.dumps(message(**arguments)))
    assert found is not None
    return found


def test_a_message_names_a_stack_and_its_status() -> None:
    found = ring(status="UPDATE_FAILED", logical_id="Topic", event_id="e1")
    assert (found.stack_id, found.region, found.account, found.stack_name) == (
        STACK_ID, "eu-west-1", "123456789012", "shop",
    )  # fmt: skip
    assert (found.message_id, found.status, found.logical_id, found.urgent) == (
        "e1",
        "UPDATE_FAILED",
        "Topic",
        True,
    )
    assert not ring(logical_id="Topic").urgent
    assert ring().urgent


def _changed(**detail: object) -> str:
    body = message()
    body["detail"] = {**body["detail"], **detail}
    return json.dumps(body)


@pytest.mark.parametrize(
    "body",
    [
        "", "no json", "[]", "null", "1", '"text"', "{}", "[" * 100_000, "x" * 300_000,
        json.dumps({**message(), "source": "org.example"}),
        json.dumps({**message(), "source": ["aws.cloudformation"]}),
        json.dumps({**message(), "detail-type": ["CloudFormation Stack Status Change"]}),
        json.dumps({**message(), "detail-type": "CloudFormation Drift Detection Status Change"}),
        json.dumps({**message(), "detail": "text"}),
        _changed(**{"stack-id": 7}), _changed(**{"stack-id": "shop"}),
        _changed(**{"stack-id": STACK_ID + "\n::error::x"}), _changed(**{"stack-id": "a" * 300}),
        _changed(**{"status-details": "CREATE_COMPLETE"}),
        _changed(**{"status-details": {"status": "##[error]x"}}),
        _changed(**{"status-details": {"status": None}}), _changed(**{"logical-resource-id": "Topic"}),
    ],
)  # fmt: skip
def test_what_is_no_event_of_cloudformation_is_none(body: str) -> None:
    assert parse_ring(body) is None


def test_to_whom_a_message_belongs() -> None:
    other_account = STACK_ID.replace("123456789012", "999999999999")
    by_name = Ears(names={(REGION, "shop")})
    assert by_name.belonging(ring()) is Belonging.LIKELY
    assert Ears({STACK_ID}).belonging(ring()) is Belonging.OWN
    known = Ears({STACK_ID}, {(REGION, "shop"), (REGION, "web")})
    assert known.belonging(ring(stack_id=STACK_ID.replace("/shop/", "/web/"))) is Belonging.OWN
    assert known.belonging(ring(stack_id=other_account)) is Belonging.FOREIGN
    assert known.belonging(ring(stack_id=STACK_ID.replace("eu-west-1", "us-east-1"))) is Belonging.FOREIGN
    # The name of a nested stack begins with its parent's, and so may that of somebody else's.
    assert known.belonging(ring(stack_id=STACK_ID.replace("/shop/", "/shop-2/"))) is Belonging.FOREIGN


def test_an_announced_event_proves_the_doorbell_before_or_after_the_look() -> None:
    before, after = DoorbellTrust(), DoorbellTrust()
    before.rang(REGION, "s", 1.0)
    before.saw(REGION, "s", 2.0)
    after.saw(REGION, "s", 1.0)
    after.rang(REGION, "s", 2.0)
    assert before.proven(REGION)
    assert after.proven(REGION)
    assert not before.proven("us-east-1")


def test_messages_alone_prove_nothing() -> None:
    trust = DoorbellTrust()
    for second in range(100):
        trust.rang(REGION, f"s{second % 3}", float(second))
        assert list(trust.judge(float(second))) == []
    assert not trust.proven(REGION)


def test_silence_is_said_once_and_a_message_later_still_proves() -> None:
    trust, said = DoorbellTrust(), []
    for second in range(0, 400, 5):
        trust.saw(REGION, "s", float(second))
        said += list(trust.judge(float(second)))
    assert len(said) == 1
    assert "The doorbell is silent" in said[0]
    trust.rang(REGION, "s", 400.0)
    trust.saw(REGION, "s", 401.0)
    assert trust.proven(REGION)


def test_a_lost_message_costs_the_trust_and_three_cost_it_for_good() -> None:
    trust, said, now = DoorbellTrust(), [], 0.0
    for lost in range(1, 4):
        trust.rang(REGION, "s", now)
        trust.saw(REGION, "s", now)
        assert trust.proven(REGION)
        trust.saw(REGION, "s", now + 100.0)
        said += list(trust.judge(now + 129.0))
        assert trust.proven(REGION), "it may still come"
        said += list(trust.judge(now + 131.0))
        assert not trust.proven(REGION)
        assert len(said) == (lost == 3)
        now += 200.0
    trust.rang(REGION, "s", now)
    trust.saw(REGION, "s", now)
    assert not trust.proven(REGION)


def test_what_is_known_already_hastens_nothing() -> None:
    operation = Operation()
    for event in (stack(1, "CREATE_IN_PROGRESS"), resource(2, "Topic", "CREATE_IN_PROGRESS")):
        operation.apply(event)
    operation.stacks[STACK_ID] = operation.roots[0]
    assert is_known(ring(status="CREATE_IN_PROGRESS"), operation)
    assert not is_known(ring(status="CREATE_IN_PROGRESS", logical_id="Topic"), operation), "it comes twice"
    assert not is_known(ring(status="CREATE_COMPLETE", logical_id="Topic"), operation)
    assert not is_known(ring(status="CREATE_COMPLETE"), operation)
    operation.apply(resource(3, "Topic", "CREATE_COMPLETE"))
    assert is_known(ring(status="CREATE_IN_PROGRESS", logical_id="Topic"), operation), "it came late"
    assert not is_known(ring(logical_id="Other", status="CREATE_IN_PROGRESS"), operation)


def test_an_end_or_a_failure_is_looked_at_at_once_and_the_rest_as_often_as_polling_would() -> None:
    slot = PollSlot(root=True, due=100.0, looked=9.0)
    hasten(slot, ring(logical_id="Topic"), 10.0)
    assert slot.due == 13.5
    hasten(slot, ring(logical_id="Topic", status="CREATE_FAILED"), 10.0)
    assert slot.due == 10.0
    slot = PollSlot(root=True, due=100.0, looked=9.0)
    hasten(slot, ring(), 10.0)
    assert slot.due == 10.0


class Told(SilentListener):
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.lags: list[float] = []
        self.troubles: list[str] = []

    def events(self, events: Sequence[StackEvent], operation: Operation) -> None:
        self.lags += [self.clock.now() - event.timestamp for event in events]

    def trouble(self, sentence: str, error: object = None) -> None:
        self.troubles.append(sentence)


class Ground:
    def __init__(self, server: CloudFormationServer, clock: VirtualClock) -> None:
        self.server, self.clock = server, clock

    def load(self, *rows: tuple[float, str, str, str], name: str = "shop") -> float:
        """Rows of (second, logical id or empty for the stack, type, status). Returns the end."""
        start = self.clock.now() + 1.0
        recorded = [
            {
                "timestamp": second, "stack": name, "logical_id": logical or name,
                "type": kind or "AWS::CloudFormation::Stack", "status": status, "is_stack": not logical,
                "reason": "",
            }
            for second, logical, kind, status in rows
        ]  # fmt: skip
        self.server.load_recording(REGION, name, recorded, start=start)
        return start + rows[-1][0] - rows[0][0]

    def watch(self, doorbell: Doorbell | None, *, seconds: float = 900.0) -> tuple[Told, int, End]:
        """What was told, how many requests it took, and how it ended."""
        told = Told(self.clock)
        source = CloudFormation(AwsClients(), one_try=True)
        watcher = EventStream(source, Baseline(((REF, None),)), schedule=Schedule(random=random.Random(1)))
        if doorbell is not None:
            watcher.bell.doorbell = doorbell
        self.server.requests.clear()
        end = WatchLoop(
            watcher,
            self.clock,
            told,
            done=lambda: watcher.at_rest,
            cancelled=lambda: False,
            timeout_seconds=seconds,
        ).run()
        return told, self.server.requests.total(), end


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    clock = VirtualClock()
    with CloudFormationServer(clock.now) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield Ground(server, clock)


DATABASE = (
    (0.0, "", "", "CREATE_IN_PROGRESS"),
    (2.0, "Topic", "AWS::SNS::Topic", "CREATE_IN_PROGRESS"),
    (9.0, "Topic", "AWS::SNS::Topic", "CREATE_COMPLETE"),
    (10.0, "Database", "AWS::RDS::DBInstance", "CREATE_IN_PROGRESS"),
    (11.0, "Database", "AWS::RDS::DBInstance", "CREATE_IN_PROGRESS"),
    (390.0, "Database", "AWS::RDS::DBInstance", "CREATE_COMPLETE"),
    (391.2, "", "", "CREATE_COMPLETE"),
)


def test_with_a_doorbell_six_minutes_take_half_the_requests_and_the_end_is_seen_at_once(
    ground: Ground,
) -> None:
    end = ground.load(*DATABASE)
    _, without, _ = ground.watch(None)
    ground.server.reset()
    end = ground.load(*DATABASE)
    told, requests, how = ground.watch(VirtualDoorbell(ground.server, REGION))
    assert how is End.DONE
    assert ground.clock.now() - end <= 3.0
    assert max(told.lags) <= 6.0
    assert told.troubles == []
    assert requests <= 0.5 * without, (requests, without)
    assert requests <= 32


def test_a_lost_end_is_found_by_the_next_poll(ground: Ground) -> None:
    def lost(_stack: str, status: str, logical: str) -> int:
        return 0 if status == "CREATE_COMPLETE" and logical in {"", "Database"} else 1

    end = ground.load(*DATABASE)
    told, _, how = ground.watch(VirtualDoorbell(ground.server, REGION, delivered=lost))
    assert how is End.DONE
    assert ground.clock.now() - end <= 22.0
    assert len(told.lags) == len(DATABASE)


def test_doubled_and_late_messages_cost_no_look(ground: Ground) -> None:
    ground.load(*DATABASE)
    _, once, _ = ground.watch(VirtualDoorbell(ground.server, REGION))
    ground.server.reset()
    end = ground.load(*DATABASE)
    _, often, how = ground.watch(VirtualDoorbell(ground.server, REGION, delivered=lambda *_: 5))
    assert how is End.DONE
    assert ground.clock.now() - end <= 3.0
    assert often <= once + 3


def test_a_silent_doorbell_is_told_once_and_ignored(ground: Ground) -> None:
    rows = [(0.0, "", "", "CREATE_IN_PROGRESS")]
    for number in range(12):
        rows.append((2.0 + 20 * number, f"T{number}", "AWS::SNS::Topic", "CREATE_IN_PROGRESS"))
        rows.append((12.0 + 20 * number, f"T{number}", "AWS::SNS::Topic", "CREATE_COMPLETE"))
    rows.append((rows[-1][0] + 1.0, "", "", "CREATE_COMPLETE"))
    ground.load(*rows)
    _, without, _ = ground.watch(None)
    ground.server.reset()
    end = ground.load(*rows)
    told, requests, how = ground.watch(VirtualDoorbell(ground.server, REGION, delivered=lambda *_: 0))
    assert how is End.DONE
    assert ground.clock.now() - end <= 3.0
    assert [sentence.partition(":")[0] for sentence in told.troubles] == ["The doorbell is silent"]
    assert abs(requests - without) <= 2


def test_a_doorbell_that_cannot_be_heard_any_more_leaves_polling_as_it_was(ground: Ground) -> None:
    end = ground.load(*DATABASE)
    bell = VirtualDoorbell(ground.server, REGION)
    sleep = ground.clock.sleep

    def deafened(seconds: float) -> None:
        sleep(seconds)
        bell.hears = end - ground.clock.now() > 60.0

    ground.clock.sleep = deafened  # type: ignore[method-assign]  # the queue is deleted a minute before the end
    told, _, how = ground.watch(bell)
    assert how is End.DONE
    assert ground.clock.now() - end <= 13.0
    looks = [float(entry["time"]) for entry in ground.server.log if float(entry["time"]) > end - 50.0]
    assert max(after - before for before, after in pairwise(looks)) <= 13.0
    assert told.troubles == []


def test_forged_messages_cost_looks_within_the_budget_and_decide_nothing(ground: Ground) -> None:
    class Flood(VirtualDoorbell):
        def rung(self) -> bool:
            return True

        def rings(self) -> Sequence[Ring]:
            here = next(iter(self.server.world.region(REGION).stacks))
            statuses = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_FAILED", "CREATE_COMPLETE")
            return [ring(stack_id=here, status=status) for status in statuses]

    end = ground.load(*DATABASE)
    told, requests, how = ground.watch(Flood(ground.server, REGION))
    assert how is End.DONE
    assert 0.0 <= ground.clock.now() - end <= 6.0
    assert len(told.lags) == len(DATABASE)
    assert requests <= 130, "no more than polling may take"


def test_the_address_of_a_queue() -> None:
    assert parse_doorbell("sqs://deploy-doorbell?region=eu-west-1") == DoorbellAddress(
        "deploy-doorbell", "eu-west-1"
    )
    assert parse_doorbell("SQS://q") == DoorbellAddress("q")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deploy-doorbell", "write sqs://"), ("sns://q", "write sqs://"), ("sqs://", "write sqs://"),
        ("sqs://q.fifo", "FIFO"), ("sqs://a/b", "not the name of a queue"),
        ("sqs://q?role=x", "something else"),
        ("sqs://q?", "something else"), ("sqs://q?region=nowhere", "not the name of a region"),
    ],
)  # fmt: skip
def test_what_is_no_address(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", "\\?")):
        parse_doorbell(text)
