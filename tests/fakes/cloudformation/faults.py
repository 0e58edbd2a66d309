"""Faults: rules that make chosen requests go wrong."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.errors import (
    AwsError,
    access_denied,
    expired_token,
    invalid_token,
    throttled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.cloudformation.ids import Ids

KINDS = frozenset(
    (
        "access_denied",
        "delay",
        "error",
        "error_after",
        "expired_token",
        "garbage",
        "hang",
        "invalid_token",
        "page_size",
        "reset_after",
        "reset_before",
        "stale",
        "throttle",
    )
)


@dataclass
class Fault:
    """A rule for requests that match `operation`, `region` and `access_key` (globs), from `after` to `until`
    (unix seconds of the server's clock), at most `count` times, after `skip` requests, each time with
    `probability`.

    `kind` is one of: throttle; error and error_after (`status`, 500 or 503; the latter once the operation
    took effect); reset_before and reset_after (the connection breaks without an answer); expired_token;
    invalid_token; access_denied; garbage (an answer that is cut off in the middle); stale (reads show the
    state of `seconds` ago); delay (`seconds` of real time);
    hang (the connection breaks after `seconds` of the server's `pass_time`); page_size (`size`).
    """

    kind: str
    operation: str = "*"
    region: str = "*"
    access_key: str = "*"
    count: int | None = None
    skip: int = 0
    after: float | None = None
    until: float | None = None
    probability: float = 1.0
    status: int = 500
    seconds: float = 0.0
    size: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(sorted(KINDS))}")


@dataclass(frozen=True)
class Request:
    """What a rule may look at."""

    service: str
    operation: str
    region: str
    now: float
    resource: str
    principal: str
    access_key: str = ""


@dataclass
class Effect:
    """What the rules do to one request."""

    error: AwsError | None = None
    error_after: AwsError | None = None
    reset_before: bool = False
    reset_after: bool = False
    garbage: bool = False
    stale_seconds: float = 0.0
    delay_seconds: float = 0.0
    hang_seconds: float = 0.0
    page_size: int | None = None


class Faults:
    """The rules in force, tried in the order in which they were added."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._draws = 0

    def add(self, kind: str, **settings: Any) -> Fault:
        """Add a rule; see `Fault` for its settings. The rule's `fired` counts its uses."""
        fault = Fault(kind, **settings)
        with self._lock:
            self._rules.append(fault)
        return fault

    def add_json(self, body: Mapping[str, Any]) -> Fault:
        known = {field.name for field in fields(Fault)} - {"fired"}
        unknown = set(body) - known
        if unknown or "kind" not in body:
            raise ValueError(f"a fault takes {sorted(known)}, got {sorted(body)}")
        return self.add(**body)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def judge(self, request: Request) -> Effect:
        effect = Effect()
        with self._lock:
            for rule in self._rules:
                if self._applies(rule, request):
                    rule.fired += 1
                    _apply(rule, effect, request)
        return effect

    def _applies(self, rule: Fault, request: Request) -> bool:
        matches = fnmatch.fnmatchcase
        if not matches(request.operation, rule.operation) or not matches(request.region, rule.region):
            return False
        if not matches(request.access_key, rule.access_key):
            return False
        now = request.now
        if (rule.after is not None and now < rule.after) or (rule.until is not None and now >= rule.until):
            return False
        if rule.count is not None and rule.fired >= rule.count:
            return False
        if rule.skip > 0:
            rule.skip -= 1
            return False
        self._draws += 1
        return rule.probability >= 1.0 or self._ids.fraction("fault", self._draws) < rule.probability


def _apply(rule: Fault, effect: Effect, request: Request) -> None:
    code = "ServiceUnavailable" if rule.status == 503 else "InternalFailure"
    broken = AwsError(code, "We encountered an internal error. Please try again.", rule.status)
    refusals = {
        "throttle": throttled(),
        "error": broken,
        "expired_token": expired_token(),
        "invalid_token": invalid_token(),
        "access_denied": access_denied(
            request.principal, request.service, request.operation, request.resource
        ),
    }
    if rule.kind in refusals:
        effect.error = effect.error or refusals[rule.kind]
    elif rule.kind == "error_after":
        effect.error_after = broken
    elif rule.kind == "reset_before":
        effect.reset_before = True
    elif rule.kind == "reset_after":
        effect.reset_after = True
    elif rule.kind == "garbage":
        effect.garbage = True
    elif rule.kind == "stale":
        effect.stale_seconds = max(effect.stale_seconds, rule.seconds)
    elif rule.kind == "hang":
        effect.hang_seconds = max(effect.hang_seconds, rule.seconds)
    elif rule.kind == "delay":
        effect.delay_seconds += rule.seconds
    else:
        effect.page_size = rule.size
