"""The doorbell's queue over HTTP: several jobs share it, and its faults end nothing but the doorbell."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from deploy_action.cloudformation.aws_clients import SharedSession
from deploy_action.cloudformation.event_queue import EventQueue
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.doorbell_listener import QueueDoorbell
from deploy_action.monitoring.doorbell_messages import Ears
from tests.fakes.aws import Aws
from tests.fakes.event_bridge import STACK_ID, message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REGION = "eu-west-1"
WEB_ID = STACK_ID.replace("/shop/", "/web/")
OTHER_ID = STACK_ID.replace("/shop/", "/other/")


class Account:
    def __init__(self, url: str) -> None:
        self.client: Any = boto3.Session("test", "test", region_name=REGION).client("sqs", endpoint_url=url)
        self.url = self.client.create_queue(QueueName=f"bell-{time.monotonic_ns()}")["QueueUrl"]
        self.name = self.url.rpartition("/")[2]
        self.doorbells: list[QueueDoorbell] = []

    def send(self, *bodies: str | dict[str, Any]) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.client.send_message(QueueUrl=self.url, MessageBody=text)

    def job(self, *stack_ids: str, name: str = "") -> QueueDoorbell:
        doorbell = QueueDoorbell(EventQueue(SharedSession(), name or self.name, REGION))
        doorbell.listen(Ears(frozenset(stack_ids)))
        self.doorbells.append(doorbell)
        return doorbell

    def left(self) -> int:
        """Messages that are in the queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(value) for value in found.values())


@pytest.fixture
def account(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", moto_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    account = Account(moto_url)
    yield account
    for doorbell in account.doorbells:
        doorbell.close()
    account.client.purge_queue(QueueUrl=account.url)
    # A long poll that is open still answers at once.
    account.send(*(["over"] * len(account.doorbells)))


def wait(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_jobs_on_one_queue_do_not_steal_from_each_other(account: Account) -> None:
    shop, web = account.job(STACK_ID), account.job(WEB_ID)
    for number in range(6):
        account.send(message(STACK_ID, event_id=f"s{number}"), message(WEB_ID, event_id=f"w{number}"))
    heard: dict[str, set[str]] = {"shop": set(), "web": set()}

    def all_heard() -> bool:
        heard["shop"] |= {ring.message_id for ring in shop.rings()}
        heard["web"] |= {ring.message_id for ring in web.rings()}
        return all(len(found) == 6 for found in heard.values())

    wait(all_heard)
    assert heard == {"shop": {f"s{n}" for n in range(6)}, "web": {f"w{n}" for n in range(6)}}
    wait(lambda: account.left() == 0)
    assert shop.troubles() == web.troubles() == []


def test_doubled_foreign_and_hostile_messages(account: Account) -> None:
    account.send("{", "[]", "\u202e::error::x", '{"source": "aws.cloudformation"}', message(OTHER_ID))
    account.send(message(event_id="one"), message(event_id="one"))
    job = account.job(STACK_ID)
    heard: list[str] = []

    def is_heard() -> bool:
        heard.extend(ring.message_id for ring in job.rings())
        return bool(heard) and account.left() == 5

    wait(is_heard)
    assert heard == ["one"], "the same event once"
    assert job.listening()
    assert job.troubles() == []


def test_a_long_poll_delays_nobody(account: Account) -> None:
    job = account.job(STACK_ID)
    began = time.monotonic()
    job.listen(Ears())
    job.rings()
    job.rung()
    job.listening()
    job.close()
    assert time.monotonic() - began < 0.5


def test_a_queue_that_does_not_exist_is_told_once(account: Account) -> None:
    job = account.job(STACK_ID, name="nowhere")
    found: list[str] = []

    def said() -> bool:
        found.extend(job.troubles())
        return bool(found)

    wait(said)
    time.sleep(0.3)
    found.extend(job.troubles())
    assert len(found) == 1
    assert "There is no queue nowhere in eu-west-1." in found[0]
    assert "Polling continues at its usual pace." in found[0]
    assert not job.listening()


def test_a_missing_permission_is_told_once(
    account: Account, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Aws(moto_url) as aws:
        aws.use(monkeypatch)
        aws.denied.add("sqs")
        queue = EventQueue(SharedSession(), account.name, REGION)
        with pytest.raises(StackSourceError, match="AWS denies access") as denied:
            queue.probe()
        assert not denied.value.temporary
        job = account.job(STACK_ID)
        found: list[str] = []

        def said() -> bool:
            found.extend(job.troubles())
            return bool(found)

        wait(said)
        asked = len(aws.services)
        time.sleep(0.5)
        assert len(aws.services) == asked, "it is not asked again"
        assert len([*found, *job.troubles()]) == 1
        assert not job.listening()


def test_the_probe_takes_no_message(account: Account) -> None:
    account.send(message())
    EventQueue(SharedSession(), account.name, REGION).probe()
    assert account.left() == 1
    job = account.job(STACK_ID)
    wait(job.rung)


def test_faults_of_the_network_are_temporary_and_heal(account: Account) -> None:
    class Away:
        """A queue that does not answer at first."""

        def __init__(self) -> None:
            self.queue, self.tries = EventQueue(SharedSession(), account.name, REGION), 0

        def receive(self) -> Any:
            self.tries += 1
            if self.tries == 1:
                raise StackSourceError("AWS could not be reached: connection refused")
            return self.queue.receive()

        def delete(self, messages: Any) -> None:
            self.queue.delete(messages)

        def hide(self, messages: Any, *, seconds: int) -> None:
            self.queue.hide(messages, seconds=seconds)

    account.send(message())
    doorbell = QueueDoorbell(Away())
    account.doorbells.append(doorbell)
    doorbell.listen(Ears(frozenset([STACK_ID])))
    wait(doorbell.rung)
    assert doorbell.listening()
    assert doorbell.troubles() == []
