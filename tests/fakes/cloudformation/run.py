"""One operation on one stack while its events are written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.durations import seconds as usual_seconds
from tests.fakes.cloudformation.protocol import isoformat
from tests.fakes.cloudformation.resources import (
    NESTED,
    Definition,
    fill_markers,
    markers,
    physical_id,
    says_yes,
)
from tests.fakes.cloudformation.stacks import Event, Operation, Region, Stack, as_json

if TYPE_CHECKING:
    from tests.fakes.cloudformation.versions import Version
    from tests.fakes.cloudformation.world import World

_SECONDS_KEYS = {"create": "Seconds", "update": "UpdateSeconds", "delete": "DeleteSeconds"}
_PLAIN_REASONS = ("Resource creation", "Resource update", "Requested update requires")


@dataclass
class Run:
    """Writes the events of one operation; every time is unix seconds."""

    world: World
    stack: Stack
    operation_id: str
    token: str | None
    _properties_told: dict[int, str] = field(default_factory=dict)

    @property
    def region(self) -> Region:
        return self.world.region(self.stack.region)

    @classmethod
    def begin(cls, world: World, stack: Stack, kind: str, when: float, token: str | None) -> Run:
        operation_id = world.ids.random_uuid("operation", stack.stack_id, kind, when, len(stack.operations))
        stack.operations.append(Operation(operation_id, kind, when))
        return cls(world, stack, operation_id, token)

    def for_child(self, child: Stack, kind: str, when: float) -> Run:
        return Run.begin(self.world, child, kind, when, self.token if self.world.nested_tokens else None)

    def resume(self, child: Stack) -> Run:
        """Go on with the child's latest operation."""
        token = self.token if self.world.nested_tokens else None
        return Run(self.world, child, child.operations[-1].operation_id, token)

    def stack_event(self, when: float, status: str, reason: str = "") -> float:
        stack = self.stack
        moment = round(when, 3)
        stack.events.append(
            Event(
                time=moment,
                event_id=self.world.ids.time_uuid(moment, stack.stack_id, status, len(stack.events)),
                logical_id=stack.name,
                type=NESTED,
                status=status,
                reason=reason,
                physical_id=stack.stack_id,
                token=self.token,
                operation_id=self.operation_id,
                about_stack=True,
            )
        )
        return moment

    def emit(
        self,
        when: float,
        definition: Definition,
        status: str,
        reason: str = "",
        *,
        physical: str | None = None,
        detailed: str | None = None,
        unique: bool = False,
    ) -> float:
        """Write a resource event; `unique` gives it the LogicalId-UUID form of event id."""
        stack, logical = self.stack, definition.logical_id
        moment = round(when, 3)
        plain = not reason or reason.startswith(_PLAIN_REASONS) or status.endswith("_FAILED")
        if plain and not unique:
            event_id = f"{logical}-{status}-{isoformat(moment)}"
        else:
            unique_id = self.world.ids.random_uuid("event", stack.stack_id, logical, status, moment, physical)
            event_id = f"{logical}-{unique_id}"
        stack.events.append(
            Event(
                time=moment,
                event_id=event_id,
                logical_id=logical,
                type=definition.type,
                status=status,
                reason=reason,
                physical_id=physical,
                token=self.token,
                operation_id=self.operation_id,
                detailed_status=detailed,
                properties=self._properties(definition, moment),
                definition=definition,
            )
        )
        return moment

    def _properties(self, definition: Definition, when: float) -> str | None:
        if not definition.properties:
            return None
        key = id(definition)
        if key not in self._properties_told:
            self._properties_told[key] = as_json(self.fill(dict(definition.properties), when))
        return self._properties_told[key]

    def fill(self, value: Any, when: float) -> Any:
        """The value with references to resources replaced by what they are at `when`."""
        wanted = markers(value)
        if not wanted:
            return value
        states = self.stack.resources(when, {name for name, _ in wanted})
        return fill_markers(
            value,
            {key: self.world.attribute(self.stack, states, *key, when=when) for key in wanted},
        )

    def seconds(self, definition: Definition, action: str) -> float:
        """The time the resource takes, with its small repeatable jitter."""
        ground = definition.ground
        given = ground.get(_SECONDS_KEYS[action])
        if given is None and action == "update" and "Seconds" in ground:
            given = ground["Seconds"]
        base = float(given) if given is not None else usual_seconds(definition.type, action)
        jitter = self.world.ids.between(
            -0.06, 0.06, self.stack.name, definition.logical_id, action, self.operation_id
        )
        return max(0.05, base * (1 + jitter)) if given is None else max(0.05, base)

    def lag(self, low: float, high: float, *parts: object) -> float:
        return self.world.ids.between(low, high, self.operation_id, *parts)

    def new_physical_id(self, definition: Definition, when: float) -> str:
        return physical_id(self.world.ids, self.world.account, self.stack.stack_id, definition, when)

    def ground_failure(self, definition: Definition, action: str, when: float) -> str | None:
        """The reason with which the test ground makes this action fail now, if it does."""
        ground = definition.ground
        reason = ground.get("Fail")
        actions = ground.get("FailOn", "create,update")
        wanted = actions if isinstance(actions, list) else str(actions).replace(" ", "").split(",")
        if not says_yes(reason) or action not in wanted:
            return None
        if "Times" in ground:
            status = {"create": "CREATE_FAILED", "delete": "DELETE_FAILED"}.get(action, "UPDATE_FAILED")
            if self.stack.failed_attempts(definition.logical_id, status, when) >= int(ground["Times"]):
                return None
        code = ground.get("HandlerErrorCode")
        if str(reason).lower() == "true":
            reason, code = "Internal Failure", code or "InternalFailure"
        if code:
            request = self.world.ids.random_uuid("request", self.stack.stack_id, definition.logical_id, when)
            told = f"(RequestToken: {request}, HandlerErrorCode: {code})"
            return f'Resource handler returned message: "{reason}" {told}'
        return str(reason)

    def hangs(self, definition: Definition, action: str) -> bool:
        ground = definition.ground
        return says_yes(ground.get("Hang")) and action in str(ground.get("HangOn", "create,update")).split(
            ","
        )

    def settle(self, version: Version, outputs: list[dict[str, str]], when: float) -> None:
        self.stack.versions.append((when, version))
        self.stack.outputs.append((when, outputs))
