"""The checks before a deployment: run beside the other work of `pre`, told before the lock as far as they are
done, and waited for only where `strict` asks for that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.errors import Cancelled, PreflightFailed, RegistryError
from deploy_action.estimation import estimator as estimate
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.history.files import learned
from deploy_action.history.operations import stable_name
from deploy_action.inputs.settings import Mode, PreflightMode
from deploy_action.job.history import past_of
from deploy_action.job.job_log import optional
from deploy_action.job.state import Memory
from deploy_action.locking.codec import decode
from deploy_action.preflight import text as render
from deploy_action.preflight.check_list import Checks
from deploy_action.preflight.finding import Finding, Level, gathered, softened
from deploy_action.preflight.runner import SECONDS_MAX, Once, Preflight
from deploy_action.preflight.template_values import is_transformed, resources_of
from deploy_action.reporting.log.lines import warning_annotation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.common.ports import Clock
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.locking.document import Document
    from deploy_action.preflight.check_list import Sources
    from deploy_action.preflight.facts import StackFacts
    from deploy_action.wiring import Wiring

GRACE_SECONDS = 3.0
"""From the start, so long is waited for findings before the lock, of which most passes with other work."""
SLICE_SECONDS = 0.25
"""Between two looks whether the job was cancelled."""
ANNOTATIONS_MAX = 4
"""Of the 10 warnings that GitHub shows for one use of the action."""


def start_preflight(
    job: JobContext, wiring: Wiring, settings: Settings, correlation_id: str
) -> PreflightStep | None:
    """None where it is off, or cannot even be begun."""
    if settings.preflight is PreflightMode.OFF or not settings.stacks:
        return None
    return optional(
        job.reporter, "The preflight", lambda: PreflightStep(job, wiring, settings, correlation_id)
    )


class PreflightStep:
    """Begins when it is made."""

    def __init__(self, job: JobContext, wiring: Wiring, settings: Settings, correlation_id: str) -> None:
        self._world = job
        self._settings = settings
        self._correlation_id = correlation_id
        self._checks = checks_of(settings, wiring, job.clock, job.environ)
        self._preflight = preflight_of(self._checks)
        self._annotated = 0
        self._preflight.start()

    def before_the_lock(self) -> None:
        """Tell what is known. Raises PreflightFailed and Cancelled, and neither but for `strict`."""
        if self._settings.preflight is not PreflightMode.STRICT:
            optional(self._world.reporter, "The preflight", lambda: self._tell_early(GRACE_SECONDS))
            return
        found = optional(self._world.reporter, "The preflight", lambda: self._tell_early(SECONDS_MAX)) or []
        if self._world.cancelled():
            raise Cancelled("Cancelled during the checks before the deployment.")
        blocking = [one for one in found if one.level is Level.BLOCKING]
        if blocking:
            raise PreflightFailed(
                f"This deployment is certain to fail: {' '.join(one.what for one in blocking)}",
                why="Nothing was locked or changed; `preflight: strict` stops here.",
                remedy=" ".join(dict.fromkeys(one.remedy for one in blocking)),
            )

    def after_the_lock(self) -> None:
        """Tell what was found meanwhile. It waits for nothing."""
        late = self._softened(self._preflight.take())
        self._tell([*late, *self._preflight.give_up()])

    def _tell_early(self, seconds: float) -> list[Finding]:
        preflight = self._preflight
        while not preflight.done and preflight.seconds < seconds and not self._world.cancelled():
            preflight.wait(min(SLICE_SECONDS, seconds - preflight.seconds))
        found = self._softened(preflight.take())
        if self._settings.preflight is PreflightMode.STRICT:
            found += preflight.give_up()
        who = self._checks.identity()
        self._world.reporter.line(
            render.headline(
                found, self._correlation_id, who=who, seconds=preflight.seconds, complete=preflight.done
            )
        )
        self._tell(found)
        return found

    def _softened(self, found: list[Finding]) -> list[Finding]:
        return found if self._settings.mode is Mode.TEMPLATE else softened(found)

    def _tell(self, found: list[Finding]) -> None:
        reporter = self._world.reporter
        for one in render.in_order(gathered(found)):
            reporter.line(render.line(one, self._correlation_id))
            if one.level is Level.NOTE:
                continue
            if reporter.knows_cause(one.sentence):
                continue
            reporter.notes.append(render.note(one))
            stops = self._settings.preflight is PreflightMode.STRICT and one.level is Level.BLOCKING
            if not stops and self._annotated < ANNOTATIONS_MAX:
                self._annotated += 1
                reporter.log.write(warning_annotation(f"Preflight: {one.code}", one.sentence))


def preflight_of(checks: Checks) -> Preflight:
    first = checks.lock()
    return Preflight([*([first] if first is not None else []), *checks.others()])


def checks_of(
    settings: Settings, wiring: Wiring, clock: Clock, environ: Mapping[str, str], *, probe: bool = False
) -> Checks:
    """With the registry where there is a lock to take. `probe`: ask GitHub whether the token might write it,
    which a deployment learns at once when it takes the lock."""
    sources = wiring.preflight_sources()
    if settings.mode is not Mode.ATTACH:
        sources = _with_registry(sources, wiring, settings, probe=probe)
    return Checks(settings, sources, clock, environ)


def _with_registry(sources: Sources, wiring: Wiring, settings: Settings, *, probe: bool) -> Sources:
    registry = Once(wiring.registry)
    snapshot = Once(lambda: registry().read())

    def document() -> Document:
        return decode(snapshot().document)

    def expected(stack: StackFacts) -> float | None:
        try:
            version = snapshot().version
            content = learned(lambda name: registry().read_file(name, version))
            return _expected_seconds(settings, stack, content)
        except RegistryError:
            return None

    repository = wiring.repository_look(probe=probe)
    ours = wiring.borrower.may_use
    return replace(sources, document=document, estimate=expected, repository=repository, ours=ours)


def _expected_seconds(settings: Settings, stack: StackFacts, content: bytes | None) -> float | None:
    """The upper end, by what this stack took before; of a new one, by what its resources take elsewhere."""
    past = past_of(Memory(content), account="")
    name, kind = str(settings.stacks[0]), "create" if stack.is_new else "update"
    changes = _planned(settings.template_body) if stack.is_new and settings.template_body else None
    if changes is None and not (past.good(name, kind) or past.seconds([name])):
        return None
    return estimate.before(PlannedChanges(name, kind, changes), past).high_seconds


def _planned(body: str) -> tuple[Planned, ...] | None:
    try:
        template = parse_template(body)
    except ValueError:
        return None
    if is_transformed(template):
        return None
    return tuple(
        Planned(stable_name(logical_id, kind), kind, "CREATE")
        for logical_id, kind, _, _ in resources_of(template)
    )
