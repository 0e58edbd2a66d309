"""Code that the adapters share: errors and answers that are not understood, in the port's terms."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy_action.cloudformation.aws_clients import AwsClients, error_code, error_message, explain, is_denial
from deploy_action.errors import BehindDenied, BehindUnavailable, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from deploy_action.cloudformation.aws_clients import SharedSession

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 5, 2
EARLIER_SECONDS = 5.0
"""A call so shortly before CloudFormation's event belongs to it."""

_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)")


def short_clients(session: SharedSession | None = None) -> AwsClients:
    """Clients that give up soon: what they tell is worth little that comes late."""
    return AwsClients(
        connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, tries=TRIES, session=session
    )


@contextmanager
def asking(prefix: str) -> Iterator[None]:
    """`prefix`: the service's name in permissions. Raises BehindDenied, BehindUnavailable."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    garbage = (ResponseParserError, LookupError, TypeError, AttributeError, ValueError, RecursionError)
    try:
        yield
    except ClientError as error:
        if is_denial(error):
            match = _ACTION.search(error_message(error))
            raise BehindDenied(match[1] if match else f"{prefix}:{error.operation_name}") from error
        raise BehindUnavailable(error_code(error) or "an error without a code") from error
    except StackSourceError as error:
        raise BehindUnavailable(error.what, remedy=error.remedy) from error
    except (BotoCoreError, OSError) as error:
        told = explain(error)
        raise BehindUnavailable(told.what, remedy=told.remedy) from error
    except garbage as error:
        raise BehindUnavailable("an answer that is not understood") from error


def since(started: float) -> datetime:
    """From when on facts count, for botocore. `started`: unix seconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(started - EARLIER_SECONDS, UTC)
