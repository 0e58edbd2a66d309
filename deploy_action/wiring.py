"""Settings to adapters: the only place that constructs them."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from deploy_action.cloudformation.aws_clients import AwsClients, SharedSession
from deploy_action.cloudformation.client import CloudFormation, Sts
from deploy_action.locking.client import LockClient
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS, Swapper
from deploy_action.locking.delegation import Borrower
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.stack_activity import doubtful, look_at, revoke
from deploy_action.locking.store import Opening
from deploy_action.locking.stores import store_of
from deploy_action.locking.stores.guarded import GuardedRegistry
from deploy_action.monitoring.doorbell import NoDoorbell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from deploy_action.cloudformation.event_queue import EventQueue
    from deploy_action.common.ports import Clock
    from deploy_action.diagnosis.service_investigator import ServiceInvestigator
    from deploy_action.github.api import TokenSource
    from deploy_action.github.deployments import GitHubDeployments
    from deploy_action.github.pull_requests import PullRequests
    from deploy_action.github.run_context import RunContext
    from deploy_action.inputs.settings import Settings
    from deploy_action.locking.document import Document, Ticket
    from deploy_action.locking.github_jobs import GitHubRuns
    from deploy_action.locking.registry_address import RegistryAddress
    from deploy_action.monitoring.doorbell import Doorbell
    from deploy_action.monitoring.stack_set_client import StackSets
    from deploy_action.preflight.check_list import Sources
    from deploy_action.preflight.facts import Repository
    from deploy_action.slack.outbox_file import OutboxJournal
    from deploy_action.slack.ports import Messenger
    from deploy_action.slack.routing import Routing


class Wiring:
    """Adapters for one step, made when first asked for, so that a step pays only for what it uses."""

    def __init__(
        self,
        settings: Settings,
        run: RunContext,
        environ: Mapping[str, str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._run = run
        self._environ = environ
        self._monotonic = monotonic
        self.aws = AwsClients(session=SharedSession(monotonic))
        self.cloudformation = CloudFormation(self.aws)
        self.looks = CloudFormation(self.aws, one_try=True)
        """For whoever looks again and again, by a budget of its own."""
        self._identities: dict[str, Sts] = {}

    def identity(self, region: str) -> Sts:
        """One for each region, which asks once."""
        return self._identities.setdefault(region, Sts(self.aws, region))

    @cached_property
    def stack_sets(self) -> StackSets:
        from deploy_action.monitoring.stack_set_client import StackSets

        return StackSets(self.aws)

    @property
    def borrower(self) -> Borrower:
        run = self._run
        return Borrower(self._settings.lock_tokens, run.url, run.repository, run.run_id)

    @cached_property
    def registry_credential(self) -> str | TokenSource:
        """Of the registry on GitHub: a token, or those of an App, which all clients of this step share."""
        settings, run = self._settings, self._run
        app, address = settings.registry_app, settings.registry
        if app is None or address.kind != "github":
            return settings.token_of_registry
        from deploy_action.github.app_tokens import InstallationTokens

        api_url = address.api_url if address.host else run.api_url
        repository = address.place or run.repository
        return InstallationTokens(app, repository, api_url=api_url, monotonic=self._monotonic)

    def registry(self) -> GuardedRegistry:
        """The store that `registry` names. Raises RegistryError where it cannot even be set up."""
        settings = self._settings
        return open_registry(
            settings.registry,
            token=self.registry_credential,
            run=self._run,
            environ=self._environ,
            regions=tuple(dict.fromkeys(stack.region for stack in settings.places)),
        )

    def look(self, clock: Clock) -> Document:
        """The registry's document as it is now. Raises RegistryError."""
        return Swapper(self.registry(), clock).read(patience_seconds=PATIENCE_SECONDS)

    def lock_client(
        self,
        ticket: Ticket,
        clock: Clock,
        *,
        cancelled: Callable[[], bool] = lambda: False,
        left: Callable[[], float | None] = lambda: None,
        confirmed_at: float | None = None,
        known_epoch: int | None = None,
        seen_epochs: dict[str, int] | None = None,
        seen_generation: str = "",
    ) -> LockClient:
        """Raises RegistryError where the store cannot even be set up."""
        runs, registry = self.runs, self.registry()
        return LockClient(
            registry,
            clock,
            ticket,
            stacks_in_progress=lambda texts: doubtful(self.cloudformation, texts, stop=cancelled),
            poll_seconds=store_of(self._settings.registry.kind).poll_seconds,
            life=runs.life if runs else lambda _ticket: JobStatus.UNKNOWN,
            review=runs.review if runs else lambda _ticket: None,
            compare=runs.compare if runs else lambda _base, _head: "",
            revoke=lambda holder: revoke(self.cloudformation, holder, stop=cancelled),
            cancelled=cancelled,
            borrower=self.borrower,
            left=left,
            look=lambda texts: look_at(self.cloudformation, texts, stop=cancelled),
            confirmed_at=confirmed_at,
            known_epoch=known_epoch,
            seen_epochs=seen_epochs,
            seen_generation=seen_generation,
            when_away=self._settings.when_registry_away,
            strain=lambda: registry.strain,
        )

    def doorbell(self) -> Doorbell:
        """Announces events. Its thread and client are made when it is first used."""
        queue = self.event_queue()
        if queue is None:
            return NoDoorbell()
        from deploy_action.monitoring.doorbell_listener import QueueDoorbell

        return QueueDoorbell(queue)

    def event_queue(self) -> EventQueue | None:
        """The queue that `events` names."""
        address = self._settings.doorbell
        if address is None:
            return None
        from deploy_action.cloudformation.event_queue import EventQueue

        return EventQueue(self.aws.session, address.queue, address.region or self._settings.region)

    def looker(self) -> ServiceInvestigator | None:
        """None where `diagnose-services` is off. The services' clients are made when first used."""
        if not self._settings.diagnose_services:
            return None
        from deploy_action.diagnosis.service_investigator import ServiceInvestigator
        from deploy_action.diagnosis.services.cloudtrail import CloudTrail
        from deploy_action.diagnosis.services.custom_resource_log import CustomResource
        from deploy_action.diagnosis.services.ecs import Ecs
        from deploy_action.diagnosis.services.rds import Rds
        from deploy_action.diagnosis.services.requests import short_clients

        clients = short_clients(self.aws.session)
        return ServiceInvestigator((Ecs(clients), CustomResource(clients), Rds(clients), CloudTrail(clients)))

    def preflight_sources(self) -> Sources:
        """Where the checks before a deployment ask; what this deployment does not use is left out."""
        from deploy_action.diagnosis.services.requests import short_clients
        from deploy_action.preflight.check_list import Sources
        from deploy_action.preflight.sources.account import Account
        from deploy_action.preflight.sources.existing import Existing
        from deploy_action.preflight.sources.limits import Limits

        clients, settings = short_clients(self.aws.session), self._settings
        slack = slack_look(
            settings.slack_bot_token,
            (*settings.slack_channels, settings.slack_alert_channel),
            base_url=settings.slack_api_url or self._environ.get("SLACK_API_URL", ""),
        )
        queue = self.event_queue()
        return Sources(
            Account(clients, self._environ),
            Existing(clients),
            Limits(clients),
            slack=slack,
            doorbell=queue.probe if queue is not None else None,
        )

    def repository_look(self, *, probe: bool) -> Callable[[], Repository] | None:
        """As the function of this name."""
        token = self.registry_credential
        return repository_look(self._settings.registry, token=token, run=self._run, probe=probe)

    @cached_property
    def runs(self) -> GitHubRuns | None:
        """None outside GitHub Actions, and without a token."""
        return self.new_runs()

    def new_runs(self) -> GitHubRuns | None:
        """The same for another thread, which may not share a connection."""
        settings, run = self._settings, self._run
        address = settings.registry
        by_registry = address.kind == "github" and (settings.registry_app or settings.registry_token)
        if not (by_registry or (settings.github_token and run.repository)):
            return None
        from deploy_action.locking.github_jobs import GitHubRuns, RegistryServer

        registry = RegistryServer(
            self.registry_credential,
            address.server_url if address.host else run.server_url,
            address.api_url if address.host else run.api_url,
            "registry-token" if settings.registry_app is None else "github-app-id",
        )
        return GitHubRuns(
            settings.github_token,
            "" if run.page else run.repository,
            server_url=run.server_url,
            api_url=run.api_url,
            registry=registry if by_registry else None,
        )

    @property
    def _knows_its_repository(self) -> bool:
        """The job's own GitHub can be asked about it."""
        return bool(self._settings.github_token and self._run.repository and not self._run.page)

    def pull_requests(self) -> PullRequests | None:
        """None outside GitHub Actions, and without a token."""
        if not self._knows_its_repository:
            return None
        from deploy_action.github.pull_requests import PullRequests

        settings, run = self._settings, self._run
        return PullRequests(settings.github_token, run.repository, api_url=run.api_url)

    def deployments(self) -> GitHubDeployments | None:
        """A client for each thread; None where `github-deployment` is off, outside GitHub Actions, and where
        nothing is deployed but planned."""
        settings, run = self._settings, self._run
        if settings.plan.plans or not (
            settings.github_deployment and settings.github_token and run.repository and run.commit
        ):
            return None
        from deploy_action.github.deployments import GitHubDeployments

        return GitHubDeployments(settings.github_token, run.repository, api_url=run.api_url)

    def webhook(self, *, timeout_seconds: float = 10.0) -> Messenger:
        return open_webhook(self._settings.webhook_url, timeout_seconds=timeout_seconds)

    def routing(self) -> Routing | None:
        """Where the deployment is told; None where no channel was asked for. A plan is no deployment."""
        settings = self._settings
        if settings.plan.plans or not (settings.slack_bot_token or settings.slack_webhook_url):
            return None
        from deploy_action.slack.routing import Routing

        if settings.slack_bot_token:
            channel, *further = settings.slack_channels or ("",)
            alerts, events = settings.slack_alert_channel, settings.slack_events
            return Routing(channel, alerts, events, further=tuple(further))
        return Routing(overrides=settings.slack_events, webhook=True)

    def outbox(self, path: Path, correlation_id: str) -> OutboxJournal:
        from deploy_action.slack.outbox_file import OutboxJournal

        return OutboxJournal(path, correlation_id)

    def messenger(self, correlation_id: str, *, timeout_seconds: float = 10.0) -> Messenger:
        """For the messages of that deployment, with this one's token or webhook."""
        settings = self._settings
        return open_messenger(
            correlation_id,
            token=settings.slack_bot_token,
            webhook_url=settings.slack_webhook_url,
            api_url=settings.slack_api_url or self._environ.get("SLACK_API_URL", ""),
            timeout_seconds=timeout_seconds,
        )


def open_messenger(
    correlation_id: str, *, token: str, webhook_url: str, api_url: str, timeout_seconds: float = 10.0
) -> Messenger:
    """For the messages of one deployment; with the token where there is one, else through the webhook.
    `correlation_id`: or the name of an outbox (`slack.outbox_name`)."""
    if token:
        from deploy_action.slack.api.bot import API_URL, SlackBot
        from deploy_action.slack.outbox_name import deployment_of

        return SlackBot(
            token,
            correlation_id=deployment_of(correlation_id),
            base_url=api_url or API_URL,
            timeout=timeout_seconds,
        )
    from deploy_action.slack.api.webhook import SlackWebhook

    return SlackWebhook(webhook_url, timeout=timeout_seconds)


def open_webhook(url: str, *, timeout_seconds: float = 10.0) -> Messenger:
    """For the messages to a webhook that is not Slack's."""
    from deploy_action.slack.api.json_webhook import JsonWebhook

    return JsonWebhook(url, timeout=timeout_seconds)


def slack_look(
    token: str, channels: tuple[str, ...], *, base_url: str = ""
) -> Callable[[], tuple[tuple[str, str, str], ...]] | None:
    """The reasons that keep messages from Slack: (level, what, remedy) each; None where no bot writes."""
    if not token:
        return None
    from deploy_action.slack.api.bot import API_URL
    from deploy_action.slack.api.check import SlackAccess, check

    access = SlackAccess(token, tuple(channel for channel in channels if channel), base_url or API_URL)
    return lambda: check(access)


def repository_look(
    address: RegistryAddress, *, token: str | TokenSource, run: RunContext, probe: bool
) -> Callable[[], Repository] | None:
    """The registry's repository, as GitHub describes it; None where the registry is somewhere else. `probe`:
    also whether the token may write it, by a request that GitHub refuses either way."""
    name = address.place or run.repository
    if address.kind != "github" or not (name and token):
        return None
    from deploy_action.preflight.sources.repository import look_at

    api_url = address.api_url if address.host else run.api_url
    return lambda: look_at(name, token=token, api_url=api_url, probe=probe)


def open_registry(
    address: RegistryAddress,
    *,
    token: str | TokenSource,
    run: RunContext,
    environ: Mapping[str, str],
    regions: tuple[str, ...] = (),
) -> GuardedRegistry:
    """`regions`: of the stacks, where a job may look for a registry whose address names none. Raises
    RegistryError where the store cannot even be set up."""
    opening = Opening(run, environ, token, regions)
    return GuardedRegistry(store_of(address.kind).open(address, opening))
