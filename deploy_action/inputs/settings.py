"""The action's inputs, parsed at the border into frozen Settings. Every mistake is reported at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_options import (
    NO_OPTIONS,
    NO_SETTINGS,
    ChangeSetOptions,
    StackSettings,
)
from deploy_action.errors import InvalidInput
from deploy_action.github.deployed_commit import parse_commit, parse_version
from deploy_action.inputs import values as input_values
from deploy_action.inputs.mode import WATCHES_ONLY, AskedMode, parse_mode, template_only, without_way
from deploy_action.inputs.names import unknown_inputs
from deploy_action.inputs.plan import PlanFields, PlanSettings
from deploy_action.inputs.raw import raw_inputs
from deploy_action.inputs.registry import RegistryFields
from deploy_action.inputs.slack import SlackFields
from deploy_action.inputs.stacks import StackFields
from deploy_action.inputs.template import TemplateFields
from deploy_action.inputs.webhook import WebhookFields, WebhookFormat
from deploy_action.locking.commit_age import OnOlder
from deploy_action.locking.delegation import parse_token
from deploy_action.locking.document import QueuePolicy
from deploy_action.locking.lock_name import parse_lock_name, parse_locks
from deploy_action.locking.queue_order import Priority
from deploy_action.locking.superseding import WhenSuperseded
from deploy_action.locking.without_registry import WhenAway
from deploy_action.monitoring.doorbell_address import parse_doorbell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.cloudformation.change_set import Parameter
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.cloudformation.template_tree import TemplateTree
    from deploy_action.github.app_key import AppKey
    from deploy_action.inputs.template import TemplateBucket
    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.monitoring.doorbell_address import DoorbellAddress
    from deploy_action.monitoring.stack_sets import StackSetRef
    from deploy_action.slack.routing import Override
    from deploy_action.slack.view import NotificationEvent

HALVES = frozenset({"lock", "keep", "unlock", "release"})
"""The steps of the sub-actions `lock` and `release`."""
TOKENS_VARIABLE = "DEPLOY_COORDINATOR_LOCK_TOKENS"
"""Where a `lock` step leaves its token for the later steps of its job."""


class Mode(Enum):
    """How the deployment is done."""

    TEMPLATE = "template"
    COMMAND = "command"
    ATTACH = "attach"
    CHANGE_SETS = "change sets"
    """Those that were planned before are executed."""
    LOCK = "lock"
    """Nothing is deployed: the `lock` and `release` halves."""
    ASK = "ask"
    """Nothing is deployed or locked: the registry is read."""


class Hold(Enum):
    """How long a `lock` step holds."""

    JOB = "job"
    """Until its job ends, whatever becomes of it."""
    RUN = "run"
    """Until the `release` step, in whichever job, or the end of the run."""


class WhenBusy(Enum):
    WAIT = "wait"
    FAIL = "fail"
    SKIP = "skip"


class OnLostLock(Enum):
    """The treatment of a command, or of a job that locked, whose lock is lost while it runs."""

    TELL = "tell"
    STOP = "stop"


class LogDetail(Enum):
    """How much of CloudFormation's events the log shows."""

    CALM = "calm"
    FULL = "full"


class PreflightMode(Enum):
    """The treatment of a deployment that the checks before it find certain to fail."""

    STRICT = "strict"
    """It stops before the lock."""
    WARN = "warn"
    """People are told, and it goes on."""
    OFF = "off"


class OnStop(Enum):
    """The treatment of an update that still runs when the job is cancelled or out of time."""

    LEAVE = "leave"
    CANCEL_UPDATE = "cancel-update"


@dataclass(frozen=True, slots=True)
class Settings:
    """All inputs, checked. Times are seconds."""

    stacks: tuple[StackRef, ...]
    stack_sets: tuple[StackSetRef, ...]
    mode: Mode
    environment: str
    locks: tuple[str, ...]
    """Empty: one lock a stack, named ACCOUNT/REGION/NAME."""
    shared_locks: tuple[str, ...]
    """Those of them that this deployment only reads under."""
    template: str
    template_body: str
    """Empty where `template` is an https:// address. With the addresses of nested templates once they are in
    S3."""
    parameters: tuple[Parameter, ...]
    capabilities: tuple[str, ...]
    tags: tuple[tuple[str, str], ...] | None
    """None leaves the stack's tags as they are; an empty one removes them all."""
    role_arn: str
    disable_rollback: bool
    fail_on_empty_change_set: bool
    no_execute_change_set: bool
    delete_rolled_back_stack: bool
    timeout_seconds: float | None
    on_timeout: OnStop
    on_cancel: OnStop
    stall_after_seconds: float | None
    expect_changes_seconds: float | None
    """How long a change may take to begin where it is started remotely; None: it is not."""
    command: str
    working_directory: str
    registry: RegistryAddress
    queue_policy: QueuePolicy
    when_busy: WhenBusy
    wait_timeout_seconds: float
    github_token: str
    """For the job's own GitHub, and sent nowhere else."""
    slack_bot_token: str
    slack_webhook_url: str
    slack_channels: tuple[str, ...]
    slack_alert_channel: str
    slack_events: dict[NotificationEvent, Override]
    slack_mentions: tuple[str, ...]
    slack_outputs: tuple[str, ...]
    webhook_url: str
    webhook_format: WebhookFormat
    slack_api_url: str
    github_deployment: bool
    environment_url: str
    """A web address, `output:NAME`, or empty."""
    log: LogDetail
    diagnose_services: bool
    """Ask other services about resources that are silent or failed."""
    preflight: PreflightMode
    doorbell: DoorbellAddress | None = None
    when_registry_away: WhenAway = WhenAway.GO_ON
    on_lost_lock: OnLostLock = OnLostLock.TELL
    hold: Hold = Hold.JOB
    when_superseded: WhenSuperseded = WhenSuperseded.FAIL
    on_older: OnOlder = OnOlder.WARN
    priority: Priority = Priority.NORMAL
    registry_app: AppKey | None = None
    registry_token: str = ""
    """For the GitHub that the registry is on, and sent nowhere else; empty where `github_token` is for it."""
    commit: str = ""
    """The one that is deployed; empty: the one that is checked out, or of the event."""
    version: str = ""
    lock_tokens: tuple[str, ...] = ()
    """Of `lock` steps, whose locks may be used."""
    plan: PlanSettings = field(default_factory=PlanSettings)
    template_url: str = ""
    """Where CloudFormation reads it; empty: it is handed over."""
    template_tree: TemplateTree | None = None
    """The template with the nested ones in the workspace; None where it is an address."""
    template_bucket: TemplateBucket | None = None
    change_set: ChangeSetOptions = NO_OPTIONS
    stack_settings: StackSettings = NO_SETTINGS
    account: str = ""
    """Where the stacks have to be, by an ARN that names one; empty where none does."""
    warnings: tuple[str, ...] = ()
    """Mistakes that stop nothing, one sentence each."""

    @property
    def places(self) -> tuple[StackRef, ...]:
        """The stacks, and the stack sets by a name that no stack has."""
        return (*self.stacks, *(one.place for one in self.stack_sets))

    @property
    def token_of_registry(self) -> str:
        """Empty rather than a token that is another GitHub's."""
        return self.registry_token or ("" if self.registry.host else self.github_token)

    @property
    def region(self) -> str:
        """Where AWS is asked what concerns no single stack."""
        return next((one.region for one in self.places), "")

    @property
    def handed_over(self) -> str:
        """The template's text where CloudFormation gets that, and not an address."""
        return "" if self.template_url else self.template_body

    @property
    def wait_seconds(self) -> float:
        """How long to wait for others; 0 where waiting is not wanted."""
        return self.wait_timeout_seconds if self.when_busy is WhenBusy.WAIT else 0.0

    def __repr__(self) -> str:
        """Without secrets, so that no log can hold them by accident."""
        return f"Settings(stacks={self.stacks!r}, mode={self.mode!r}, locks={self.locks!r})"


def parse_inputs(environ: Mapping[str, str], *, step: str = "pre") -> Settings:
    """Settings from `DEPLOY_COORDINATOR_INPUTS` (JSON of the action's inputs).

    Folders are looked for in `pre` only and files not in `post`: the deployment may have changed them since,
    and that must not keep a later step from its work. Raises InvalidInput with every problem found.
    """
    return _Parser(raw_inputs(environ), environ, step).settings()


class _Parser(StackFields, TemplateFields, RegistryFields, SlackFields, WebhookFields, PlanFields):
    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        super().__init__(raw, environ, step)
        self._step = step
        self._looks_for_folders = step == "pre"
        self._of_job = environ.get(TOKENS_VARIABLE, "")
        self._shared_locks: tuple[str, ...] = ()

    def settings(self) -> Settings:
        self._problems += unknown_inputs(self._raw, self._step)
        mode = self._mode()
        tree = self._template_tree()
        settings = Settings(
            stacks=self._stacks(template=mode is Mode.TEMPLATE, needed=mode not in {Mode.LOCK, Mode.ASK}),
            stack_sets=self._stack_sets(template=mode is Mode.TEMPLATE),
            mode=mode,
            environment=self._checked("environment", parse_lock_name, ""),
            locks=self._locks(),
            shared_locks=self._shared_locks,
            template=self._template,
            template_body=tree.text if tree is not None else "",
            template_url=self._template if self._template.startswith("https://") else "",
            template_tree=tree,
            template_bucket=self._template_bucket(),
            change_set=self._change_set_options(),
            stack_settings=self._stack_settings(),
            parameters=self._parameters(),
            capabilities=self._checked("capabilities", input_values.capabilities, ()),
            tags=self._tags(),
            role_arn=self._checked("role-arn", input_values.role_arn, ""),
            disable_rollback=self._boolean("disable-rollback"),
            fail_on_empty_change_set=self._boolean("fail-on-empty-changeset"),
            no_execute_change_set=self._boolean("no-execute-changeset"),
            delete_rolled_back_stack=self._boolean("delete-rolled-back-stack"),
            timeout_seconds=self._minutes("timeout-in-minutes", least=1),
            on_timeout=self._choice("on-timeout", OnStop),
            on_cancel=self._choice("on-cancel", OnStop),
            stall_after_seconds=self._minutes("stall-after-in-minutes", least=0.01),
            expect_changes_seconds=self._checked("expect-changes-within", input_values.seconds_of, None),
            command=self._text("command"),
            working_directory=self._working_directory(),
            registry=self._registry(),
            queue_policy=self._choice("queue-policy", QueuePolicy),
            priority=self._choice("priority", Priority),
            when_busy=self._choice("when-busy", WhenBusy),
            wait_timeout_seconds=self._minutes("wait-timeout-in-minutes") or 0.0,
            github_token=self._text("github-token"),
            registry_token=self._text("registry-token"),
            registry_app=self._registry_app(),
            slack_bot_token=self._slack_bot_token(),
            slack_webhook_url=self._slack_webhook(),
            slack_channels=self._slack_channels(),
            slack_alert_channel=self._slack_channel("slack-alert-channel"),
            slack_events=self._slack_events(),
            slack_mentions=self._slack_mentions(),
            slack_outputs=self._slack_outputs(),
            webhook_url=(webhook := self._webhook())[0],
            webhook_format=webhook[1],
            slack_api_url=self._slack_api_url(),
            github_deployment=self._boolean("github-deployment"),
            environment_url=self._checked("environment-url", input_values.environment_url, ""),
            log=self._choice("log", LogDetail),
            diagnose_services=self._boolean("diagnose-services"),
            doorbell=self._checked("events", parse_doorbell, None),
            preflight=self._choice("preflight", PreflightMode),
            when_registry_away=self._choice("when-registry-away", WhenAway),
            on_lost_lock=self._choice("on-lost-lock", OnLostLock),
            hold=self._choice("hold", Hold),
            when_superseded=self._choice("when-superseded", WhenSuperseded),
            on_older=self._choice("on-older", OnOlder),
            commit=self._checked("commit", parse_commit, ""),
            version=self._checked("version", parse_version, ""),
            lock_tokens=self._lock_tokens(),
            plan=self._plan(),
            account=self._account,
        )
        self._check_together(settings)
        if self._problems:
            raise InvalidInput(tuple(self._problems))
        return replace(settings, warnings=tuple(self._warnings))

    def _mode(self) -> Mode:
        if self._step in HALVES:
            return Mode.LOCK
        ways = [name for name in ("template", "command") if self._text(name)]
        asked = self._checked("mode", parse_mode, None)
        if len(ways) > 1:
            self._problem("`template` and `command`: give one of them; each is a way to deploy.")
        if asked in {AskedMode.WATCH, AskedMode.ASK}:
            if ways:
                self._problem(
                    f"`mode: {asked.value}` deploys nothing, and `{ways[0]}` is given. Take one away."
                )
            return Mode.ATTACH if asked is AskedMode.WATCH else Mode.ASK
        if asked is AskedMode.APPLY:
            return Mode.CHANGE_SETS
        if ways:
            return Mode.TEMPLATE if ways[0] == "template" else Mode.COMMAND
        problem = without_way(asked, self._raw)
        (self._problem if problem else self._warn)(problem or WATCHES_ONLY)
        return Mode.ATTACH

    def _lock_tokens(self) -> tuple[str, ...]:
        """Those given, else those that earlier `lock` steps left in the job's environment."""
        tokens: list[str] = []
        for word in self._text("lock-token").split():
            try:
                tokens.append(parse_token(word))
            except ValueError as error:
                self._problem(f"`lock-token`: {error}")
        return tuple(dict.fromkeys(tokens)) or job_tokens(self._of_job)

    def _locks(self) -> tuple[str, ...]:
        names, self._shared_locks, problems = parse_locks(self._lines("lock", comments=False))
        self._problems += [f"`lock`: {problem}" for problem in problems]
        environment = self._text("environment").strip()
        return names or ((environment,) if environment else ())

    def _working_directory(self) -> str:
        text = self._text("working-directory")
        if not self._looks_for_folders:
            return text
        try:
            found = not text or (self._folders.workspace / text).is_dir()
        except (OSError, ValueError):
            found = False
        if not found:
            self._problem(f"`working-directory`: there is no folder `{text}` in the workspace.")
        return text

    def _check_together(self, settings: Settings) -> None:
        if self._text("runtime").lower() not in {"", "auto", "container", "host"}:
            self._problem(f"`runtime`: `{self._text('runtime')}` is none of auto, container, host.")
        takes_or_asks = self._step == "lock" or settings.mode is Mode.ASK
        if takes_or_asks and not (settings.locks or settings.stacks):
            self._problem("The lock has no name: give `environment`, `lock`, or `stack-name`.")
        if not settings.locks and settings.stack_sets and settings.mode is Mode.COMMAND:
            self._problem("`stack-set` is given, so the lock needs a name: give `environment` or `lock`.")
        if not settings.locks and any(stack.is_glob for stack in settings.stacks):
            self._problem("`stack-name` has a `*`, so the lock needs a name: give `environment` or `lock`.")
        self._check_tokens(settings.registry)
        if settings.mode is Mode.TEMPLATE and settings.expect_changes_seconds is not None:
            self._problem(
                "`expect-changes-within` is for `command` and `mode: watch`; drop it with `template`."
            )
        by_template = settings.mode in {Mode.TEMPLATE, Mode.CHANGE_SETS}
        if not by_template and (settings.mode is Mode.COMMAND or self._text("mode")):
            self._problems += [
                problem
                for problem in template_only(self._raw, self._boolean)
                if problem not in self._problems
            ]


def job_tokens(text: str) -> tuple[str, ...]:
    """The tokens in the environment of a job. What is none was not left by a `lock` step."""
    tokens: list[str] = []
    for word in text.split():
        with suppress(ValueError):
            tokens.append(parse_token(word))
    return tuple(dict.fromkeys(tokens))
