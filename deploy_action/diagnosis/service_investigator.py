"""Asks the services behind silent and failed resources, beside the watch: in daemon threads, one a service.

The watch never waits for an answer; the end of a deployment waits FINISH_SECONDS at most, so a service that
hangs holds nothing up. Whatever goes wrong here is told once and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Protocol

from deploy_action.diagnosis.service_lookups import Facts, Finding, Look, Planner, Service, failed_subjects
from deploy_action.errors import BehindDenied, BehindUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.diagnosis.service_lookups import Subject
    from deploy_action.estimation.forecast import Forecast

FINISH_SECONDS = 5.0
UNAFFECTED = "the deployment is not affected"


@dataclass(frozen=True, slots=True)
class _Answer:
    look: Look
    findings: Sequence[Finding] = ()
    error: Exception | None = None


class ServiceLookup(Protocol):
    """A service that knows more about a resource than CloudFormation tells. Read-only."""

    @property
    def service(self) -> Service: ...

    def look(self, subject: Subject) -> Sequence[Finding]:
        """Facts since the subject's start, oldest first; the same ones again at each look.

        At most `diagnosis.service_lookups.COSTS` requests. Raises BehindDenied, BehindUnavailable.
        """
        ...


class ServiceInvestigator:
    """Call `look` after each poll and `finish` once at the end. Neither raises."""

    def __init__(self, behinds: Iterable[ServiceLookup], forecast: Forecast | None = None) -> None:
        self._behinds = {behind.service: behind for behind in behinds}
        self._planner = Planner(forecast, asked=self._behinds)
        self._facts = Facts()
        self._found: list[Finding] = []
        self._queues: dict[Service, SimpleQueue[Subject]] = {}
        self._changed = Condition()
        self._busy: set[Look] = set()
        self._answers: list[_Answer] = []
        self._nothing_in_cloudtrail: set[str] = set()
        self._broken = False

    def look(self, operation: Operation, *, now: CloudFormationTime) -> list[Finding]:
        """Findings since the last call; asks anew where it is time to. Returns at once.

        `now`: unix seconds of CloudFormation.
        """
        try:
            if not self._broken:
                self._ask(self._planner.due(operation, now=now))
            return self._new()
        except Exception as error:  # noqa: BLE001 - the first law
            return self._give_up(error)

    def finish(self, operation: Operation, *, patience_seconds: float = FINISH_SECONDS) -> list[Finding]:
        """The last look, at what failed and at what is still being waited for; waits so long at most."""
        try:
            if not self._broken:
                self._ask(self._planner.last(operation))
            with self._changed:
                self._changed.wait_for(lambda: not self._busy, timeout=patience_seconds)
            return self._new() + self._late()
        except Exception as error:  # noqa: BLE001 - the first law
            return self._give_up(error)

    def about(self, operation: Operation) -> tuple[Finding, ...]:
        """All that was found about what failed or still runs."""
        try:
            wanted = {(subject.stack_id, subject.logical_id) for subject in failed_subjects(operation)}
            wanted |= {(activity.stack_id, activity.logical_id) for activity in operation.running}
            return tuple(f for f in self._found if (f.stack_id, f.logical_id) in wanted)
        except Exception:  # noqa: BLE001 - the first law
            return ()

    def _ask(self, looks: list[Look]) -> None:
        for look in looks:
            with self._changed:
                if any(
                    b.service is look.service and b.subject.identity == look.subject.identity
                    for b in self._busy
                ):
                    continue
                self._busy.add(look)
            self._queue(look.service).put(look.subject)

    def _queue(self, service: Service) -> SimpleQueue[Subject]:
        queue = self._queues.get(service)
        if queue is None:
            queue = SimpleQueue()
            Thread(target=self._work, args=(self._behinds[service], queue), daemon=True).start()
            self._queues[service] = queue
        return queue

    def _work(self, behind: ServiceLookup, queue: SimpleQueue[Subject]) -> None:
        denied: Exception | None = None
        while True:
            look = Look(behind.service, queue.get())
            answer = _Answer(look, error=denied)
            if denied is None:
                try:
                    answer = _Answer(look, findings=tuple(behind.look(look.subject)))
                except Exception as error:  # noqa: BLE001 - told by the watch
                    answer = _Answer(look, error=error)
                    denied = error if isinstance(error, BehindDenied) and not error.partly else None
            with self._changed:
                self._busy.discard(look)
                self._answers.append(answer)
                self._changed.notify_all()

    def _new(self) -> list[Finding]:
        with self._changed:
            answers, self._answers = self._answers, []
        told: list[Finding] = []
        for answer in answers:
            service = answer.look.service
            if answer.error is not None:
                told += self._trouble(service, answer.error)
                continue
            found = self._facts.new(answer.findings)
            self._found += found
            told += found
            if service is Service.CLOUDTRAIL and not answer.findings:
                self._nothing_in_cloudtrail.add(answer.look.subject.name)
        return told

    def _trouble(self, service: Service, error: Exception) -> list[Finding]:
        name = service.value
        if isinstance(error, BehindDenied) and error.partly:
            return self._remark(
                name, error.permission, f"{error.what}, so a part of it is not shown; {UNAFFECTED}."
            )
        if isinstance(error, BehindDenied):
            self._planner.never_again(service)
            return self._remark(
                name, "denied", f"{error.what}, so it is not asked again in this job; {UNAFFECTED}."
            )
        if isinstance(error, BehindUnavailable):
            return self._remark(name, "unavailable", f"it could not be asked ({error.what}); {UNAFFECTED}.")
        self._planner.never_again(service)
        return self._remark(
            name,
            "defect",
            f"a defect of deploy-coordinator ({type(error).__name__}: {error}), so it is not asked again; "
            f"{UNAFFECTED}.",
        )

    def _late(self) -> list[Finding]:
        told = {finding.label for finding in self._found if finding.service == Service.CLOUDTRAIL.value}
        missing = sorted(self._nothing_in_cloudtrail - told)
        if not missing:
            return []
        names = ", ".join(missing[:3])
        return self._remark(
            Service.CLOUDTRAIL.value,
            "late",
            f"no failed call for {names} so far; it shows calls 5 to 15 minutes after they were made.",
        )

    def _remark(self, service: str, key: str, text: str) -> list[Finding]:
        return self._facts.new([Finding("", "", "", service, f"{service}: {text}", f"{service} {key}")])

    def _give_up(self, error: Exception) -> list[Finding]:
        if self._broken:
            return []
        self._broken = True
        text = f"Looking behind resources ended by a defect ({type(error).__name__}: {error}); {UNAFFECTED}."
        return [Finding("", "", "", "", text, "broken")]
