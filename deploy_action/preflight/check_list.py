"""Which checks a deployment gets, and where each has its facts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.regions import partition_of
from deploy_action.cloudformation.template_parser import parse_template
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX
from deploy_action.common.times import iso
from deploy_action.errors import (
    BehindDenied,
    BehindUnavailable,
    RegistryError,
    RegistryForbidden,
    RegistryUnreadable,
    StackSourceError,
)
from deploy_action.inputs.settings import Mode, WhenBusy
from deploy_action.preflight import template_values as values
from deploy_action.preflight.checks import coordination, credentials, names, quotas, references, template
from deploy_action.preflight.checks.stack import stack_findings
from deploy_action.preflight.facts import Context, NoSession, Refusal, Session, StackFacts, Summary
from deploy_action.preflight.finding import Finding, Level, denied, finding
from deploy_action.preflight.runner import Check, Once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.ports import Clock
    from deploy_action.inputs.settings import Settings
    from deploy_action.locking.document import Document, Ticket
    from deploy_action.preflight.checks.names import Named, Taken
    from deploy_action.preflight.checks.quotas import Counted
    from deploy_action.preflight.checks.references import Reference, Store
    from deploy_action.preflight.facts import Declared, Quota, Repository


class AccountSource(Protocol):
    """All raise BehindDenied and BehindUnavailable."""

    def session(self, region: str) -> Session | NoSession: ...
    def regions(self) -> frozenset[str]: ...
    def stack(self, ref: StackRef) -> StackFacts: ...
    def require_change_sets(self, ref: StackRef) -> None: ...
    def resources(self, ref: StackRef) -> Mapping[str, str]: ...
    def summary(self, ref: StackRef, *, body: str, url: str) -> Summary | Refusal: ...


class ExistingSource(Protocol):
    """All raise BehindDenied and BehindUnavailable."""

    def taken(self, named: Named, *, region: str, account: str, partition: str) -> Taken | None: ...
    def missing(self, references: Sequence[Reference], region: str, store: Store) -> list[Reference]: ...


class LimitSource(Protocol):
    """Raises BehindDenied and BehindUnavailable."""

    def quota(self, counted: Counted, region: str, *, account: str) -> Quota: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts come from; None for what this deployment does not use.

    `document` raises RegistryError. `repository`: the registry's, on GitHub; raises BehindUnavailable.
    `slack` gives (level, what, remedy) of what is wrong. `doorbell` raises StackSourceError where its queue
    cannot be used. `estimate` gives the upper end in seconds, None for
    nobody knows. `ours` says whether a ticket's lock is lent to this deployment.
    """

    account: AccountSource
    existing: ExistingSource
    limits: LimitSource
    document: Callable[[], Document] | None = None
    repository: Callable[[], Repository] | None = None
    slack: Callable[[], Iterable[tuple[str, str, str]]] | None = None
    doorbell: Callable[[], None] | None = None
    estimate: Callable[[StackFacts], float | None] = lambda _stack: None
    ours: Callable[[Ticket], bool] = lambda _ticket: False


class Checks:
    """The facts of one deployment, each asked for once, and the checks on them."""

    def __init__(
        self, settings: Settings, sources: Sources, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._clock = clock
        self._environ = environ
        first = settings.stacks[0]
        self._first = first
        self._given = {one.name: one.value for one in settings.parameters if one.value is not None}
        self._session = Once(lambda: (sources.account.session(first.region), clock.now()))
        self._stack = Once(lambda: sources.account.stack(first))
        self._resources = Once(lambda: sources.account.resources(first))
        self._summary = Once(self._ask_summary)
        self._document = Once(sources.document) if sources.document is not None else None
        self._parsed = Once(self._parse)

    def lock(self) -> Check | None:
        """Other deployments: told before everything else."""
        return Check("who holds the lock", self._locks) if self._document is not None else None

    def others(self) -> list[Check]:
        """All the rest."""
        sources = self._sources
        found = [
            Check("whether the credentials work", self._credentials),
            Check("whether the session lasts", self._life),
            Check("in which state the stack is", self._stacks),
        ]
        if self._settings.mode is Mode.TEMPLATE:
            found.append(Check("whether the template is valid", self._template))
            found.append(Check("whether change sets may be read", self._change_sets))
        if self._settings.template_body:
            found += self._of_template()
        if sources.repository is not None:
            found.append(Check("whether the token may write the registry", self._repository))
        if sources.slack is not None:
            found.append(Check("whether Slack takes messages", self._slack))
        if sources.doorbell is not None:
            found.append(Check("whether the doorbell's queue can be used", self._doorbell))
        return found

    def identity(self) -> str:
        """`arn:… in eu-west-1`; empty where it is not known by now. Waits for nobody."""
        known = self._session.known()
        session = known[0] if known is not None else None
        return f"{session.arn} in {self._first.region}" if isinstance(session, Session) else ""

    def _locks(self) -> Iterator[Finding]:
        assert self._document is not None  # noqa: S101 - for the type checker; see `lock`
        try:
            document = self._document()
        except RegistryError as error:
            yield _registry_finding(error)
            return
        now = self._clock.now()
        yield from coordination.lock_findings(
            document,
            self._lock_names(),
            now=now,
            at=iso(now),
            shared=self._settings.shared_locks,
            ours=self._sources.ours,
            waits=self._settings.when_busy is WhenBusy.WAIT,
        )

    def _lock_names(self) -> tuple[str, ...]:
        if self._settings.locks:
            return self._settings.locks
        account = self._account()
        return tuple(f"{account}/{one.region}/{one.name}" for one in self._settings.stacks) if account else ()

    def _credentials(self) -> Iterator[Finding]:
        region = self._first.region
        yield from credentials.region_findings(region, self._sources.account.regions(), self._environ)
        session, at = self._session()
        if session.their_time is not None:
            yield from credentials.clock_findings(at - session.their_time, "AWS")
        if isinstance(session, Session):
            return
        if session.expired:
            yield finding("credentials-expired", session.what)
        elif self._works_elsewhere(region):
            what = f"The credentials work elsewhere, and {region} does not know them."
            yield finding("region-disabled", what, resource=region)
        else:
            yield finding("credentials-missing", session.what, remedy=session.remedy)

    def _works_elsewhere(self, region: str) -> bool:
        partition = partition_of(region)
        if partition is None or partition.home_region == region:
            return False
        try:
            return isinstance(self._sources.account.session(partition.home_region), Session)
        except (BehindDenied, BehindUnavailable):
            return False

    def _life(self) -> Iterator[Finding]:
        session, _ = self._session()
        if not isinstance(session, Session) or session.expires is None:
            return
        now = self._clock.now()
        wait = 0.0
        if self._document is not None and self._settings.wait_seconds:
            try:
                wait = coordination.wait_ahead_seconds(
                    self._document(), self._lock_names(), shared=self._settings.shared_locks, now=now
                )
            except RegistryError:
                wait = 0.0
        yield from credentials.life_findings(
            session,
            now=now,
            estimate_seconds=self._sources.estimate(self._stack()),
            wait_seconds=min(wait, self._settings.wait_seconds),
        )

    def _stacks(self) -> Iterator[Finding]:
        if not self._usable():
            return
        for ref in self._settings.stacks:
            if ref.is_glob:
                continue
            stack = self._stack() if ref == self._first else self._sources.account.stack(ref)
            yield from stack_findings(
                stack,
                delete_rolled_back_stack=self._settings.delete_rolled_back_stack,
                disable_rollback=self._settings.disable_rollback,
                deploys=self._settings.mode is not Mode.ATTACH,
                by_command=self._settings.mode is Mode.COMMAND,
            )

    def _change_sets(self) -> Iterator[Finding]:
        if not self._usable():
            return
        try:
            self._sources.account.require_change_sets(self._first)
        except BehindDenied as error:
            yield finding("change-sets-denied", f"{error.what}.", resource=self._first.name)

    def _template(self) -> Iterator[Finding]:
        settings = self._settings
        body = settings.template_body
        if settings.handed_over and settings.template_bucket is None:
            yield from template.size_findings(len(body.encode()), BODY_BYTES_MAX)
        parsed = self._parsed() if body else {}
        if isinstance(parsed, dict):
            yield from template.limit_findings(parsed)
            yield from template.serverless_findings(parsed, settings.capabilities)
        summary: Summary | Refusal | None = None
        try:
            summary = self._summary() if self._usable() else None
        except BehindDenied as error:
            yield denied(error.permission, "what CloudFormation says of the template")
        except BehindUnavailable:
            summary = None
        if isinstance(summary, Refusal):
            yield _refused(summary)
            return
        if summary is not None:
            yield from template.capability_findings(summary, settings.capabilities)
        elif isinstance(parsed, str):
            yield finding("template-unreadable", f"The template {settings.template}: {parsed}")
        declared = self._declared()
        if declared is not None and self._usable():
            yield from template.parameter_findings(declared, self._given, self._stack())

    def _of_template(self) -> list[Check]:
        """Checks that need a look into the template. Nothing is asked about what does not occur in it."""
        body, found = self._settings.template_body, []
        declared = "AWS::SSM::Parameter::" in body
        for store, sign in (
            (references.Store.SECRET, "resolve:secretsmanager"),
            (references.Store.PARAMETER, "resolve:ssm"),
        ):
            if sign in body or (declared and store is references.Store.PARAMETER):
                about = f"whether each {store.value} exists that the template refers to"
                found.append(Check(about, lambda store=store: self._references(store)))  # type: ignore[misc]
        for kind in names.NAMES:
            if kind in body:
                about = f"whether names for {kind} are free"
                found.append(Check(about, lambda kind=kind: self._names(kind)))  # type: ignore[misc]
        for counted in quotas.Counted:
            if counted.value in body:
                about = f"whether the quota of {quotas.WORDS[counted]} is enough"
                found.append(Check(about, lambda counted=counted: self._quota(counted)))  # type: ignore[misc]
        return found

    def _references(self, store: references.Store) -> Iterator[Finding]:
        context, parsed = self._context(), self._parsed()
        if context is None or isinstance(parsed, str):
            return
        found = references.references_of(parsed, self._declared() or (), self._given, context)
        region = self._first.region
        yield from references.reference_findings(self._sources.existing.missing(found, region, store))

    def _names(self, kind: str) -> Iterator[Finding]:
        context, parsed = self._context(whole=True), self._parsed()
        if context is None or isinstance(parsed, str):
            return
        region, account = self._first.region, context.values.get("AWS::AccountId", "")
        for named in names.named_resources(parsed, context):
            if named.type == kind:
                taken = self._sources.existing.taken(
                    named, region=region, account=account, partition=context.values["AWS::Partition"]
                )
                yield from names.name_findings([taken] if taken is not None else [])

    def _quota(self, counted: Counted) -> Iterator[Finding]:
        context, parsed = self._context(whole=True), self._parsed()
        if context is None or isinstance(parsed, str):
            return
        needs = {one: need for one, need in quotas.needs_of(parsed, context).items() if one is counted}
        if needs:
            quota = self._sources.limits.quota(counted, self._first.region, account=self._account())
            yield from quotas.quota_findings(needs, {counted: quota})

    def _repository(self) -> Iterator[Finding]:
        assert self._sources.repository is not None  # noqa: S101 - for the type checker; see `others`
        repository = self._sources.repository()
        if repository.their_time is not None:
            yield from credentials.clock_findings(self._clock.now() - repository.their_time, "GitHub")
        if repository.status == 401:
            yield finding("token-refused", f"GitHub refuses the token: {repository.message}.")
        elif repository.status in {403, 404}:
            what = f"The token may not see the registry's repository ({repository.message})."
            yield finding("token-cannot-write", what)
        elif repository.may_write is False:
            yield finding(
                "token-cannot-write", "The token lacks `contents: write` on the registry's repository."
            )

    def _slack(self) -> Iterator[Finding]:
        assert self._sources.slack is not None  # noqa: S101 - for the type checker; see `others`
        for level, what, remedy in self._sources.slack():
            yield finding("slack-unusable", what, remedy=remedy, note=level != Level.WARNING.value)

    def _doorbell(self) -> Iterator[Finding]:
        assert self._sources.doorbell is not None  # noqa: S101 - for the type checker; see `others`
        try:
            self._sources.doorbell()
        except StackSourceError as error:
            yield finding("doorbell-unusable", error.what, remedy=error.remedy)

    def _usable(self) -> bool:
        """Whether AWS can be asked at all: without credentials each check would tell the same."""
        try:
            return isinstance(self._session()[0], Session)
        except (BehindDenied, BehindUnavailable):
            return True

    def _account(self) -> str:
        try:
            session, _ = self._session()
        except (BehindDenied, BehindUnavailable):
            return ""
        return session.account if isinstance(session, Session) else ""

    def _context(self, *, whole: bool = False) -> Context | None:
        """`whole`: with the resources that the stack has, without which nobody knows what is new."""
        if not self._usable():
            return None
        stack = self._stack()
        known = values.known_values(
            region=self._first.region,
            account=self._account(),
            stack=self._first.name,
            declared=self._declared() or (),
            given=self._given,
            is_new=stack.is_new,
        )
        return Context(stack, known, self._resources() if whole and not stack.is_new else {})

    def _ask_summary(self) -> Summary | Refusal:
        settings = self._settings
        return self._sources.account.summary(
            self._first, body=settings.handed_over, url=settings.template_url
        )

    def _declared(self) -> tuple[Declared, ...] | None:
        """By CloudFormation, else by the template itself; None where neither can tell."""
        try:
            summary = self._summary()
        except (BehindDenied, BehindUnavailable):
            parsed = self._parsed()
            return template.declared_in(parsed) if isinstance(parsed, dict) and parsed else None
        return summary.parameters if isinstance(summary, Summary) else None

    def _parse(self) -> dict[str, Any] | str:
        """The template, or a sentence that says why it cannot be read."""
        try:
            return parse_template(self._settings.template_body) if self._settings.template_body else {}
        except ValueError as error:
            return str(error)


def _registry_finding(error: RegistryError) -> Finding:
    code = "registry-unreachable"
    if isinstance(error, RegistryForbidden):
        code = "registry-forbidden"
    elif isinstance(error, RegistryUnreadable):
        code = "registry-unreadable"
    return finding(code, error.what, remedy=error.remedy)


def _refused(refusal: Refusal) -> Finding:
    unreachable = "S3 error" in refusal.message or "TemplateURL" in refusal.message
    code = "template-unreachable" if unreachable else "template-invalid"
    return finding(code, f"CloudFormation refuses the template: {refusal.message.rstrip('.')}.")
