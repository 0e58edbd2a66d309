"""Playing the resources of a create, an update or a rollback through their dependency graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.fakes.cloudformation import nested
from tests.fakes.cloudformation.durations import reports_consistency_check
from tests.fakes.cloudformation.resources import Definition, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.cloudformation.run import Run
    from tests.fakes.cloudformation.stacks import ResourceState

CREATE, UPDATE, REPLACE, VISIT, RESTORE, IMPORT = "create", "update", "replace", "visit", "restore", "import"
REPLACEMENT_REASON = "Requested update requires the creation of a new physical resource; hence creating one."
NO_REPLACEMENT = "Replacement type updates not supported on stack with disable-rollback."
_GRACE = 0.15  # seconds in which siblings still fail of their own accord


@dataclass(frozen=True)
class Failure:
    time: float
    logical_id: str
    verb: str  # "create" or "update"


@dataclass
class Outcome:
    end: float
    failures: list[Failure] = field(default_factory=list)
    hangs: bool = False

    @property
    def summary(self) -> str:
        """AWS's stack-level summary; ends with a blank, as AWS's does."""
        text = ""
        for verb in ("create", "update"):
            names = [failure.logical_id for failure in self.failures if failure.verb == verb]
            if names:
                text += f"The following resource(s) failed to {verb}: [{', '.join(names)}]. "
        return text


@dataclass
class _Play:
    run: Run
    before: Mapping[str, ResourceState]
    failures: list[Failure] = field(default_factory=list)
    hangs: bool = False

    def fail(self, when: float, definition: Definition, verb: str) -> None:
        self.failures.append(Failure(when, definition.logical_id, verb))


def forward(
    run: Run,
    definitions: Mapping[str, Definition],
    actions: Mapping[str, str],
    start: float,
    *,
    preserve: bool = False,
    before: Mapping[str, ResourceState] | None = None,
) -> Outcome:
    """Write the events of `actions` from `start` on; `preserve` lets siblings of a failure finish."""
    play = _Play(run, run.stack.resources(start) if before is None else before)
    finish: dict[str, float | None] = {}
    for name in in_order(definitions):
        definition = definitions[name]
        waits = [finish[d] for d in definition.depends if d in finish]
        if any(moment is None for moment in waits):
            finish[name] = None
            continue
        ready = max([start, *(moment for moment in waits if moment is not None)])
        if name not in actions:
            finish[name] = ready
            continue
        gap = run.lag(0.0, 0.35, name, "gap") if not waits else run.lag(0.3, 0.7, name, "gap")
        finish[name] = _act(play, definition, actions[name], ready + gap)
    run.stack.events.sort(key=lambda event: event.time)
    if play.failures:
        return _stop(play, preserve)
    ends = [moment for moment in finish.values() if moment is not None]
    return Outcome(max([start, *ends]), [], play.hangs)


def _stop(play: _Play, preserve: bool) -> Outcome:
    run = play.run
    failures = sorted(play.failures, key=lambda failure: failure.time)
    if preserve:
        end = max(event.time for event in run.stack.events)
        return Outcome(max(end, failures[-1].time), failures, play.hangs)
    cut = failures[0].time + _GRACE
    failures = [failure for failure in failures if failure.time <= cut]
    run.region.forget_after(run.stack, cut)
    cancelled = halt(run, cut)
    end = max([cut, *(failure.time for failure in cancelled)])
    return Outcome(end, [*failures, *cancelled])


def halt(run: Run, when: float) -> list[Failure]:
    """Cancel what is in flight at `when`; the future must have been dropped."""
    cancelled = []
    for state in run.stack.resources(when).values():
        if not state.in_flight or state.definition is None:
            continue
        verb = "create" if state.status.startswith("CREATE") else "update"
        moment = when + run.lag(0.01, 0.19, state.logical_id, "halt")
        if state.definition.is_nested and state.physical_id:
            nested.halt_child(run, state.physical_id, when)
        reason = "Resource creation cancelled" if verb == "create" else "Resource update cancelled"
        run.emit(moment, state.definition, f"{verb.upper()}_FAILED", reason, physical=state.physical_id)
        cancelled.append(Failure(moment, state.logical_id, verb))
    run.stack.events.sort(key=lambda event: event.time)
    return sorted(cancelled, key=lambda failure: failure.time)


def _act(play: _Play, definition: Definition, action: str, begin: float) -> float | None:
    """The moment at which the resource is complete, or None if it never is."""
    if action == IMPORT:
        return _import(play, definition, begin)
    if definition.is_nested:
        return _act_nested(play, definition, action, begin)
    if action == CREATE:
        return _create(play, definition, begin)
    if action == REPLACE:
        return _replace(play, definition, begin)
    return _update(play, definition, begin, "rollback" if action == RESTORE else "update")


def _create(play: _Play, definition: Definition, begin: float) -> float | None:
    run = play.run
    run.emit(begin, definition, "CREATE_IN_PROGRESS")
    return _make(play, definition, begin, "CREATE", physical_before=None)


def _replace(play: _Play, definition: Definition, begin: float) -> float | None:
    old = play.before[definition.logical_id].physical_id
    play.run.emit(begin, definition, "UPDATE_IN_PROGRESS", REPLACEMENT_REASON, physical=old)
    version = play.run.stack.version(begin)
    if version is not None and version.disable_rollback:
        play.run.emit(begin + 0.3, definition, "UPDATE_FAILED", NO_REPLACEMENT, physical=old)
        play.fail(begin + 0.3, definition, "update")
        return None
    return _make(play, definition, begin, "UPDATE", physical_before=old)


def _make(
    play: _Play, definition: Definition, begin: float, verb: str, physical_before: str | None
) -> float | None:
    """The part of creation that follows the first event, for a new or a replacing resource."""
    run = play.run
    seconds, failure = _time_and_failure(run, definition, "create" if verb == "CREATE" else "update", begin)
    end = begin + seconds
    initiated = begin + max(0.01, min(seconds * 0.4, run.lag(0.6, 1.4, definition.logical_id, "initiated")))
    physical = physical_before
    if failure is None or end > initiated:
        physical = run.new_physical_id(definition, initiated)
        run.emit(
            initiated, definition, f"{verb}_IN_PROGRESS", "Resource creation Initiated", physical=physical
        )
    warning = definition.ground.get("Warning")
    if warning:
        run.emit(initiated + 0.005, definition, f"{verb}_IN_PROGRESS", str(warning), physical=physical)
    if run.hangs(definition, "create" if verb == "CREATE" else "update"):
        play.hangs = True
        return None
    if failure is not None:
        run.emit(end, definition, f"{verb}_FAILED", failure, physical=physical)
        play.fail(end, definition, verb.lower())
        return None
    if verb == "CREATE" and definition.ground.get("Consistency", reports_consistency_check(definition.type)):
        check = initiated + (end - initiated) * 0.4
        run.emit(
            check, definition, "CREATE_IN_PROGRESS", "Eventual consistency check initiated",
            physical=physical, detailed="CONFIGURATION_COMPLETE",
        )  # fmt: skip
    return run.emit(end, definition, f"{verb}_COMPLETE", physical=physical)


def _time_and_failure(
    run: Run, definition: Definition, action: str, begin: float
) -> tuple[float, str | None]:
    ground = definition.ground
    failure = run.ground_failure(definition, action, begin)
    seconds = run.seconds(definition, "create")
    if definition.type == "AWS::CloudFormation::WaitCondition" and "Seconds" not in ground:
        seconds = float(definition.properties.get("Timeout", 60))
        count = definition.properties.get("Count", 1)
        failure = failure or f"WaitCondition timed out. Received 0 conditions when expecting {count}"
    if failure is not None and "FailAfter" in ground:
        seconds = max(0.05, float(ground["FailAfter"]))
    return seconds, failure


def _update(play: _Play, definition: Definition, begin: float, action: str) -> float | None:
    run = play.run
    known = play.before.get(definition.logical_id)
    physical = known.physical_id if known else None
    run.emit(begin, definition, "UPDATE_IN_PROGRESS", physical=physical)
    if run.hangs(definition, action):
        play.hangs = True
        return None
    failure = run.ground_failure(definition, action, begin)
    seconds = run.seconds(definition, "update")
    if failure is not None:
        end = begin + (max(0.05, float(definition.ground.get("FailAfter", seconds))))
        run.emit(end, definition, "UPDATE_FAILED", failure, physical=physical)
        play.fail(end, definition, "update")
        return None
    return run.emit(begin + seconds, definition, "UPDATE_COMPLETE", physical=physical)


def _import(play: _Play, definition: Definition, begin: float) -> float | None:
    run = play.run
    known = play.before.get(definition.logical_id)
    physical = known.physical_id if known else run.new_physical_id(definition, begin)
    run.emit(begin, definition, "IMPORT_IN_PROGRESS", "Resource import started.", physical=physical)
    end = begin + run.seconds(definition, "update")
    return run.emit(end, definition, "IMPORT_COMPLETE", "Resource import completed.", physical=physical)


def _act_nested(play: _Play, definition: Definition, action: str, begin: float) -> float | None:
    known = play.before.get(definition.logical_id)
    if action == CREATE or known is None or known.physical_id is None:
        end, failed, hangs = nested.create_child(play.run, definition, begin)
        verb = "create"
    elif action == RESTORE:
        end, failed, hangs = nested.restore_child(play.run, definition, known.physical_id, begin)
        verb = "update"
    else:
        end, failed, hangs = nested.update_child(
            play.run, definition, known.physical_id, begin, action == VISIT
        )
        verb = "update"
    play.hangs = play.hangs or hangs
    if failed:
        play.fail(end, definition, verb)
    return None if failed or hangs else end
