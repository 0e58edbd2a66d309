"""The job log: one line an event, calm, complete, and safe to print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase, phase_of
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.columns import padded
from deploy_action.common.escape import LOG_LINE_MAX, command_data, command_property, log_lines, log_text
from deploy_action.common.times import clock_time, duration, roughly
from deploy_action.estimation.forecast import NoForecast, usual_where_done
from deploy_action.history.estimate import Basis
from deploy_action.locking.queue_words import who_is_ahead
from deploy_action.reporting.log import progress

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import Change
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.diagnosis.service_lookups import Finding
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.locking.document import Freeze
    from deploy_action.locking.transitions import Waiting

_RESET, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
_RED, _GREEN, _YELLOW, _CYAN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"
_SIGNS = {"_FAILED": ("✗", _RED), "_COMPLETE": ("✓", _GREEN), "_SKIPPED": ("–", _DIM)}
_ACTION_SIGNS = {
    "Add": ("+", _GREEN),
    "Modify": ("~", _YELLOW),
    "Remove": ("-", _RED),
    "Import": ("»", _CYAN),
}
STATUS_WIDTH = 20
NAME_WIDTH = 32
REASON_INDENT = 19
REASON_WIDTH = LOG_LINE_MAX - REASON_INDENT - len("└ ") - len(_RED + _RESET)
WAITING_WIDTH = LOG_LINE_MAX - 200
"""Of a line about waiting: what stands before and after fits as well."""
_NOTHING_KNOWN = NoForecast()
WORDS = {"CREATE": "creating", "UPDATE": "updating", "DELETE": "deleting", "IMPORT": "importing"}


class LogStyle:
    """Colours, or none (`NO_COLOR`). `utc`: times of day are in UTC, else in this machine's zone."""

    def __init__(self, *, color: bool = True, utc: bool = True) -> None:
        self._color = color
        self._utc = utc

    def _time(self, unix_seconds: float) -> str:
        return clock_time(unix_seconds, utc=self._utc)

    def paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self._color and text and code else text

    def event(
        self,
        event: StackEvent,
        activity: Activity | None,
        operation: Operation,
        *,
        forecast: Forecast = _NOTHING_KNOWN,
        done: tuple[int, int] | None = None,
    ) -> str:
        """`17:55:02  +1m12s  ✓ CREATE_COMPLETE  Database  AWS::RDS::DBInstance  5m40s  [12/14]`.

        `done`: how many resources are done with this event, and of how many. Long reasons take several lines.
        """
        sign, code = _sign(event)
        started = operation.started
        elapsed = f"+{duration(event.timestamp - started)}" if started is not None else ""
        took = ""
        if activity is not None and activity.ended == event.timestamp:
            well = event.status.endswith("_COMPLETE")
            usual = usual_where_done(forecast, activity, operation.label_of(activity)) if well else None
            if usual is not None and usual.basis is Basis.PRIOR and activity.resource_type == STACK_TYPE:
                usual = None  # an average nested stack tells nothing of this one
            took = progress.took(activity.seconds(), usual)
        stack = operation.stacks[event.stack_id]
        name = operation.name_of(stack, "" if event.is_stack else event.logical_id)
        kind = "" if event.is_stack and not stack.path else event.resource_type
        status = f"{log_text(event.status, 60):<{STATUS_WIDTH}}"
        parts = [
            self.paint(self._time(event.timestamp), _DIM),
            self.paint(f"{elapsed:>7}", _DIM),
            self.paint(f"{sign} {status}", code),
            self.paint(padded(log_text(name, 120), NAME_WIDTH), _BOLD if event.is_stack else ""),
            self.paint(log_text(kind, 120), _DIM),
            took,
            f"[{done[0]}/{done[1]}]" if done is not None else "",
            self.paint(_remark(event), _DIM),
        ]
        line = "  ".join(part for part in parts if part.strip()).rstrip()
        bad = event.failed or event.hook_failed
        reason = (event.hook_reason or event.reason) if event.hook_failed else event.reason
        if reason and reason != "User Initiated" and (bad or event.is_stack):
            for part in log_lines(reason, REASON_WIDTH):
                painted = self.paint(f"└ {part}", code if bad else _DIM)
                line += f"\n{'':>{REASON_INDENT}}{painted}"
        return line

    def finding(self, finding: Finding) -> str:
        """`   ⤷ Database/Service (ECS): service web was unable to place a task`."""
        if not finding.label:
            return self.paint(log_text(finding.text, 900), _DIM)
        about = f"{log_text(finding.label, 120)} ({log_text(finding.service, 30)})"
        return f"   {self.paint(f'⤷ {about}:', _YELLOW)} {log_text(finding.text, 800)}"

    def heartbeat(
        self,
        operation: Operation,
        elapsed_seconds: float,
        *,
        now: CloudFormationTime,
        forecast: Forecast = _NOTHING_KNOWN,
        done: tuple[int, int] | None = None,
        unanswered_since: CloudFormationTime | None = None,
        command_works: bool = False,
    ) -> str:
        """The activities in progress while nothing happens, and the time left. `now` is unix seconds of
        CloudFormation; `done` as in `event`. While CloudFormation does not answer, what was seen last is told
        as such, and nothing of what may be left.
        """
        running = operation.running
        seen = now if unanswered_since is None else unanswered_since
        told = [_still(activity, operation, forecast, seen) for activity in running[:3]]
        more = [f"and {len(running) - 3} more"] if len(running) > 3 else []
        began = any(root.status for root in operation.roots)
        at_rest = f"{'the command still works; ' * command_works}no watched stack is in progress"
        waiting = "waiting for CloudFormation" if operation.ended is None else at_rest
        doing = ["still " + "; ".join((*told, *more)) if told else waiting]
        if not began:
            doing, counts = ["nothing has begun on a watched stack yet"], ""
        elif any(phase_of(root.status) is Phase.ROLLBACK for root in operation.roots if root.in_progress):
            counts = "rolling back"
        else:
            counts = f"{operation.done_count()} done" if done is None else f"{done[0]} of {done[1]} done"
        elapsed = f"+{duration(elapsed_seconds)}"
        if unanswered_since is None:
            left = progress.left(
                forecast.remaining(operation, now=now), overdue=_overdue(operation, forecast, now)
            )
            sentence = "; ".join(part for part in (*doing, counts, left) if part)
        else:
            last = "; ".join(part for part in (*doing, counts) if part)
            sentence = (
                f"CloudFormation has not answered since {self._time(unanswered_since)}; last seen: {last}"
            )
        return self.paint(f"{self._time(now)}  {elapsed:>7}  … {sentence}", _DIM)

    def change(self, change: Change) -> str:
        sign, code = _ACTION_SIGNS.get(change.action, ("?", ""))
        replacement = {"True": "replaced", "Conditional": "may be replaced"}.get(change.replacement, "")
        return "  ".join(
            part
            for part in (
                self.paint(f"  {sign} {log_text(change.action, 20):<7}", code),
                padded(log_text(change.logical_id, 120), NAME_WIDTH),
                self.paint(log_text(change.resource_type, 120), _DIM),
                self.paint(replacement, _RED),
            )
            if part
        ).rstrip()

    def waiting(self, waiting: Waiting, *, now: float) -> str:
        """The deployments ahead, since when and until about when, and the own position. `now`: unix
        seconds."""
        told = [_frozen(waiting.freeze)] if waiting.freeze is not None else []
        if waiting.ahead:
            told.append(who_is_ahead(waiting.ahead, waiting.left_seconds))
        if waiting.turn_seconds is not None and len(waiting.ahead) > 1:
            told.append(f"own turn in about {roughly(waiting.turn_seconds)}")
        told += [log_text(remark, 300) for remark in waiting.remarks]
        if waiting.away_seconds is not None:
            told.append(
                f"the registry has not answered for {duration(waiting.away_seconds)}, so that may be past"
            )
        words = "; ".join(told)
        words = words if len(words) <= WAITING_WIDTH else words[: WAITING_WIDTH - 1] + "…"
        return (
            f"{self.paint(self._time(now), _DIM)}  Waiting for the lock, position {waiting.position} in the "
            f"queue: {words}; waited {duration(waiting.waited_seconds)} of "
            f"{duration(waiting.timeout_seconds)}."
        )


def _frozen(freeze: Freeze) -> str:
    end = f"until {log_text(freeze.until, 30)}" if freeze.until else "until somebody lifts it"
    end += f", for all but {log_text(', '.join(freeze.allow), 100)}" if freeze.allow else ""
    return f'it is frozen by {log_text(freeze.by, 60)} {end} ("{log_text(freeze.reason, 200)}")'


def _still(activity: Activity, operation: Operation, forecast: Forecast, now: CloudFormationTime) -> str:
    """`creating Database, 6m10s, usually 5m40s to 8m12s`."""
    seconds = activity.seconds(now)
    usual = usual_where_done(forecast, activity, operation.label_of(activity))
    usually = progress.usually(progress.meaningful(usual, seconds))
    doing = f"{_doing(activity)} {log_text(operation.name_of_activity(activity), 60)}"
    return ", ".join(part for part in (doing, duration(seconds), usually) if part)


def _overdue(operation: Operation, forecast: Forecast, now: CloudFormationTime) -> str:
    """The resource that has run longest beyond its usual range; empty where none has."""
    for activity in operation.running:
        usual = usual_where_done(forecast, activity, operation.label_of(activity))
        if usual is not None and activity.seconds(now) > usual.high_seconds:
            return log_text(operation.name_of_activity(activity), 60)
    return ""


def _doing(activity: Activity) -> str:
    return WORDS.get(activity.action, activity.action.lower())


def _remark(event: StackEvent) -> str:
    """The words that tell one IN_PROGRESS event of a resource from the next."""
    if event.hook_type:
        return log_text(f"hook {event.hook_type}: {event.hook_status.lower().replace('_', ' ')}", 160)
    if event.is_stack or event.failed or not event.status.endswith("_IN_PROGRESS"):
        return ""
    if event.detailed_status:
        return log_text(event.detailed_status, 60).lower().replace("_", " ")
    return log_text(event.reason, 160).lower() if event.reason else ""


def _sign(event: StackEvent) -> tuple[str, str]:
    if event.hook_failed:
        return _SIGNS["_FAILED"]
    for ending, found in _SIGNS.items():
        if event.status.endswith(ending):
            return found if "ROLLBACK" not in event.status else (found[0], _YELLOW)
    return ("◦", _YELLOW if "ROLLBACK" in event.status else _CYAN)


def cause_annotation(cause: Cause) -> str:
    """An `::error` for one root cause; the run's page shows it on top."""
    kind = "" if cause.resource_type == STACK_TYPE else f" ({cause.resource_type})"
    remedy = cause.remedy
    next_ = f"\nWhat to do next: {remedy.advice}" if remedy else ""
    title, text = command_property(cause.name + kind), f"{cause.message[:3000]}{next_}"
    return f"::error title={title}::{command_data(text)}"


def error_annotation(title: str, text: str) -> str:
    return f"::error title={command_property(title)}::{command_data(text)}"


def warning_annotation(title: str, text: str) -> str:
    return f"::warning title={command_property(title)}::{command_data(text)}"
