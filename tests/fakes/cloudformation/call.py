"""One request on its way through a handler."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.cloudformation.errors import (
    no_such_stack,
    stack_does_not_exist,
    token_already_exists,
    validation,
)
from tests.fakes.cloudformation.stacks import Region, Stack, as_json

if TYPE_CHECKING:
    from tests.fakes.cloudformation.world import World

T = TypeVar("T")
Params = Mapping[str, Any]
Handler = Callable[["Call", Params], dict[str, Any]]


@dataclass
class Call:
    """`now` is when the call takes effect, `seen` the moment that reads show (earlier for a stale read)."""

    world: World
    region: Region
    operation: str
    now: float
    seen: float
    page_size: int
    request_id: str
    endpoint: str = ""

    def stack_to_read(self, name: str) -> Stack:
        stack = self.region.find(name, self.seen)
        if stack is None:
            raise no_such_stack(name)
        return stack

    def stack_to_change(self, name: str) -> Stack:
        stack = self.region.find(name, self.now)
        if stack is None or stack.deleted(self.now):
            raise stack_does_not_exist(name)
        if stack.recorded:
            raise validation(f"Stack [{stack.name}] is a recording: the test ground can only play it")
        return stack

    def page(
        self, items: Sequence[T], key: Callable[[T], str], token: str | None, size: int | None = None
    ) -> tuple[list[T], str | None]:
        """A page after the item that the token names, and the token of the next page."""
        start = 0
        if token:
            after = _open_token(token)
            start = next((index + 1 for index, item in enumerate(items) if key(item) == after), -1)
            if start < 0:
                raise validation("Token is invalid or has expired")
        end = start + (size or self.page_size)
        page = list(items[start:end])
        more = (
            base64.urlsafe_b64encode(key(page[-1]).encode()).decode() if page and end < len(items) else None
        )
        return page, more

    def repeats(self, stack: Stack, params: Params) -> bool:
        """Whether this very call took effect before, by its ClientRequestToken."""
        token = params.get("ClientRequestToken")
        if not token or token not in stack.tokens:
            return False
        if stack.tokens[token] != self._fingerprint(params):
            raise token_already_exists(token)
        return True

    def note(self, stack: Stack, params: Params) -> None:
        """The call takes effect: from now on its token stands for it."""
        token = params.get("ClientRequestToken")
        if token:
            stack.tokens[token] = self._fingerprint(params)

    def _fingerprint(self, params: Params) -> str:
        return hashlib.sha256(as_json([self.operation, dict(params)]).encode()).hexdigest()


def _open_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise validation("Token is invalid or has expired") from error
