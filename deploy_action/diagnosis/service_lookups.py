"""Which resources are worth a look behind CloudFormation's back, and when.

Silence is normal (an ECS service took 1,474 s and succeeded), so what is behind it is looked at at growing
intervals, and only for types whose own service can tell something. Times are unix seconds of CloudFormation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.diagnosis.causes import causes_of
from deploy_action.estimation.forecast import Forecast, NoForecast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.common.instants import CloudFormationTime

PATIENCE_SECONDS = 60.0
"""How long a resource may be silent where nobody knows what is usual for it."""
PATIENCE_SECONDS_LEAST, PATIENCE_SECONDS_MOST = 20.0, 180.0
"""Bounds for what is usual: tasks that cannot start are worth telling before a slow service's usual end."""
INTERVALS_SECONDS = (30.0, 60.0, 120.0)
"""Between looks at one silent resource; the last one repeated."""
SILENT_MAX = 4
"""Silent resources looked at by one call."""
FAILED_MAX = 5
REQUESTS_MAX = 300
"""For one deployment, by the most that each look may cost."""
TEXT_MAX = 1500


class Service(Enum):
    """The service, as people call it."""

    ECS = "ECS"
    LAMBDA = "Lambda log"
    RDS = "RDS"
    CLOUDTRAIL = "CloudTrail"


COSTS = {Service.ECS: 3, Service.LAMBDA: 9, Service.RDS: 2, Service.CLOUDTRAIL: 2}
"""The most requests that one look makes."""

_BY_TYPE = {
    "AWS::ECS::Service": Service.ECS,
    "AWS::CloudFormation::CustomResource": Service.LAMBDA,
    "AWS::RDS::DBInstance": Service.RDS,
    "AWS::RDS::DBCluster": Service.RDS,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a lookup: one activity, as it stood when the look was planned."""

    stack_id: str
    region: str
    logical_id: str
    label: str
    """The logical id after those of the nested stacks it lies in, as history knows it."""
    name: str
    """The same as people are told of it (`Operation.name_of`)."""
    resource_type: str
    physical_id: str
    action: str
    started: float
    ended: float | None = None
    failed: bool = False

    @property
    def identity(self) -> tuple[str, str, str, float]:
        return (self.stack_id, self.logical_id, self.action, self.started)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `text` comes from outside, unescaped. `key` tells it from the service's other facts."""

    stack_id: str
    logical_id: str
    label: str
    """Empty for what is about a service rather than a resource."""
    service: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Look:
    service: Service
    subject: Subject


def service_of(resource_type: str) -> Service | None:
    """The service that knows more about a resource of this type while it is in progress."""
    return Service.LAMBDA if resource_type.startswith("Custom::") else _BY_TYPE.get(resource_type)


def failed_subjects(operation: Operation) -> list[Subject]:
    """The resources that failed by themselves, not those that were cancelled with them."""
    causes = {(cause.stack_id, cause.logical_id) for cause in causes_of(operation)}
    found = [
        _subject(operation, activity)
        for activity in operation.activities
        if activity.failed
        and activity.resource_type != STACK_TYPE
        and (activity.stack_id, activity.logical_id) in causes
    ]
    return found[:FAILED_MAX]


def _subject(operation: Operation, activity: Activity) -> Subject:
    return Subject(
        stack_id=activity.stack_id,
        region=operation.stacks[activity.stack_id].region,
        logical_id=activity.logical_id,
        label=operation.label_of(activity),
        name=operation.name_of_activity(activity),
        resource_type=activity.resource_type,
        physical_id=activity.physical_id,
        action=activity.action,
        started=activity.started,
        ended=activity.ended,
        failed=activity.failed,
    )


class Planner:
    """Remembers what was looked at. `asked`: the services that may still be asked."""

    def __init__(
        self,
        forecast: Forecast | None = None,
        *,
        requests_max: int = REQUESTS_MAX,
        asked: Iterable[Service] = tuple(Service),
    ) -> None:
        self._forecast = forecast or NoForecast()
        self._requests_left = requests_max
        self._asked = set(asked)
        self._looks: dict[tuple[str, str, str, float], tuple[int, float]] = {}
        self._failures: set[tuple[str, str, str, float]] = set()

    def never_again(self, service: Service) -> None:
        self._asked.discard(service)

    def due(self, operation: Operation, *, now: CloudFormationTime) -> list[Look]:
        """Looks at what failed since the last call, then at what has been silent for too long."""
        failed = [s for s in failed_subjects(operation) if s.identity not in self._failures]
        self._failures.update(subject.identity for subject in failed)
        late = [
            subject
            for activity in operation.running
            if service_of(activity.resource_type) in self._asked
            and now >= self._next_look(activity, subject := _subject(operation, activity))
        ][:SILENT_MAX]
        for subject in late:
            count, _ = self._looks.get(subject.identity, (0, 0.0))
            self._looks[subject.identity] = (count + 1, now)
        return self._within_budget([*self._of_failed(failed), *self._of_silent(late)])

    def last(self, operation: Operation) -> list[Look]:
        """Once the deployment has ended: at all that failed, and at what is still being waited for."""
        running = [_subject(operation, a) for a in operation.running if service_of(a.resource_type)]
        return self._within_budget(
            [*self._of_failed(failed_subjects(operation)), *self._of_silent(running[:SILENT_MAX])]
        )

    def _next_look(self, activity: Activity, subject: Subject) -> float:
        count, last = self._looks.get(subject.identity, (0, 0.0))
        if count:
            return last + INTERVALS_SECONDS[min(count, len(INTERVALS_SECONDS)) - 1]
        # What is usual here, within bounds; typical durations are too wide to tell anything from silence.
        usual = self._forecast.usual(activity, subject.label)
        if usual is None or not usual.samples:
            return subject.started + PATIENCE_SECONDS
        patience = min(max(usual.high_seconds, PATIENCE_SECONDS_LEAST), PATIENCE_SECONDS_MOST)
        return subject.started + patience

    @staticmethod
    def _of_failed(subjects: list[Subject]) -> list[Look]:
        """The log of a Lambda is the whole story of a custom resource: no call failed."""
        looks: list[Look] = []
        for subject in subjects:
            service = service_of(subject.resource_type)
            if service is not None:
                looks.append(Look(service, subject))
            if service is not Service.LAMBDA:
                looks.append(Look(Service.CLOUDTRAIL, subject))
        return looks

    @staticmethod
    def _of_silent(subjects: list[Subject]) -> list[Look]:
        found = ((service_of(subject.resource_type), subject) for subject in subjects)
        return [Look(service, subject) for service, subject in found if service is not None]

    def _within_budget(self, looks: list[Look]) -> list[Look]:
        taken = []
        for look in looks:
            if look.service in self._asked and COSTS[look.service] <= self._requests_left:
                self._requests_left -= COSTS[look.service]
                taken.append(look)
        return taken


class Facts:
    """Findings that were reported already. A fact counts once by its key, and once by its words for each
    resource."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, ...]] = set()
        self._count: dict[tuple[str, str], int] = {}

    def new(self, findings: Iterable[Finding], *, most: int = 25) -> list[Finding]:
        """Those not seen before; at most `most` for each resource."""
        return [finding for finding in findings if self._is_new(finding, most)]

    def _is_new(self, finding: Finding, most: int) -> bool:
        where = (finding.stack_id, finding.logical_id)
        identities = ((*where, finding.service, "key", finding.key), (*where, "text", finding.text))
        if any(identity in self._seen for identity in identities) or self._count.get(where, 0) >= most:
            return False
        self._seen.update(identities)
        self._count[where] = self._count.get(where, 0) + 1
        return True


def finding_maker(subject: Subject, service: Service) -> Callable[[str, str], Finding]:
    """Makes findings about a subject from key and text."""

    def make(key: str, text: str) -> Finding:
        line = " ".join(text.split())[:TEXT_MAX]
        return Finding(subject.stack_id, subject.logical_id, subject.name, service.value, line, key)

    return make
