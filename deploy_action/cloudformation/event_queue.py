"""A queue in SQS that EventBridge fills with CloudFormation's events.

Jobs share it: a message is deleted by the job that it belongs to, and handed back by every other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import AwsClients, error_code, explain
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.aws_clients import SharedSession

WAIT_SECONDS = 20
"""Of one receive, the longest that SQS allows."""
HIDDEN_SECONDS = 5
"""A received message is hidden from others for so long, unless it is handed back; longer for nobody who dies
with it."""
READ_SECONDS = 30.0
MESSAGES_MAX = 10
"""In one receive, and in one batch."""
_ABSENT = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"}
_MAY_HEAL = {"OverLimit", "KmsThrottled", "KMS.ThrottlingException", "RequestThrottled"}
REMEDY = "Create it with examples/infrastructure/doorbell.yaml, or correct `events`."


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """`receipt` is for this receive only; `receives`: how often it was received so far, by anybody."""

    receipt: str
    body: str
    receives: int


class EventQueue:
    """Every method raises StackSourceError and nothing else; `temporary` where asking again may help."""

    def __init__(self, session: SharedSession, name: str, region: str) -> None:
        self._clients = AwsClients(read_seconds=READ_SECONDS, session=session)
        self._name, self._region = name, region
        self._url = ""

    def __str__(self) -> str:
        return f"{self._name} in {self._region}"

    def receive(
        self, *, wait_seconds: int = WAIT_SECONDS, hidden_seconds: int = HIDDEN_SECONDS
    ) -> Sequence[QueuedMessage]:
        """Waits for so long for the first message, and gives up to ten."""
        answer = self._call(
            lambda client, url: client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MESSAGES_MAX,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=hidden_seconds,
                AttributeNames=["ApproximateReceiveCount"],
            )
        )
        return [
            QueuedMessage(
                str(one.get("ReceiptHandle", "")),
                str(one.get("Body", "")),
                _number(one.get("Attributes", {}).get("ApproximateReceiveCount")),
            )
            for one in answer.get("Messages", [])
        ]

    def delete(self, messages: Sequence[QueuedMessage]) -> None:
        """A message that cannot be deleted comes again."""
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": one.receipt} for n, one in enumerate(messages)]
            self._call(lambda client, url: client.delete_message_batch(QueueUrl=url, Entries=entries))

    def hide(self, messages: Sequence[QueuedMessage], *, seconds: int) -> None:
        """From everybody, for so long from now; 0 hands them back at once."""
        if messages:
            entries = [
                {"Id": str(n), "ReceiptHandle": one.receipt, "VisibilityTimeout": seconds}
                for n, one in enumerate(messages)
            ]
            self._call(
                lambda client, url: client.change_message_visibility_batch(QueueUrl=url, Entries=entries)
            )

    def probe(self) -> None:
        """Whether messages may be received, deleted and handed back. Takes none: the receipt that it gives is
        no message's."""
        nothing = (QueuedMessage("none", "", 0),)
        self.receive(wait_seconds=0, hidden_seconds=0)
        self.delete(nothing)
        self.hide(nothing, seconds=0)

    def _call(self, call: Callable[[Any, str], Any]) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client = self._clients.client("sqs", self._region, one_try=True)
            self._url = self._url or client.get_queue_url(QueueName=self._name)["QueueUrl"]
            return call(client, self._url)
        except (BotoCoreError, ClientError, OSError, ValueError) as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> StackSourceError:
        code = error_code(error)
        if code in _ABSENT:
            return StackSourceError(f"There is no queue {self}.", remedy=REMEDY, temporary=False)
        found = explain(error)
        found.temporary = found.temporary or code in _MAY_HEAL
        return found


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 10 else 1
