"""Tells the channel, if one was asked for: accepts messages into the outbox and goes on at once.

Whatever goes wrong here is told in the log and nothing more.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.common.escape import slack
from deploy_action.common.instants import CloudFormationTime, WallTime
from deploy_action.errors import CoordinatorError
from deploy_action.inputs.webhook import WebhookFormat
from deploy_action.job.notifier import Notifier
from deploy_action.slack import outbox_name
from deploy_action.slack import view_updates as views
from deploy_action.slack.messages import entry as entry_of
from deploy_action.slack.messages import parent, single
from deploy_action.slack.outbox import Kind, Message, Outbox
from deploy_action.slack.outbox_log import Record, Step
from deploy_action.slack.ports import Announcement
from deploy_action.slack.routing import Place, Routing, calls, places
from deploy_action.slack.sender import AppLimit, MessageSender
from deploy_action.slack.view import NotificationEvent, Origin, RegistryNews

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.common.ports import Clock
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.history.estimate import Estimate
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.locking.transitions import Waiting
    from deploy_action.monitoring.stall import StallChange
    from deploy_action.reporting.report import Report
    from deploy_action.slack.background_sender import Worker
    from deploy_action.slack.ports import OutboxStore
    from deploy_action.slack.view import DeploymentView
    from deploy_action.wiring import Wiring

UPDATE_SECONDS = 10.0
"""Between two updates of the message while progress changes it."""
QUIET_UPDATE_SECONDS = 60.0
"""Where only time does, or Slack refused one: its limit is for all deployments of one app together."""
LIMITED_MAX = 2
"""So often refused, progress is left out: what people must know takes what room there is."""
END_WAIT_SECONDS = 60.0
"""So long the last word waits for the moment that Slack names."""
QUEUE_UPDATE_SECONDS = 60.0
STUCK_SECONDS = 900.0
"""So long in the queue, somebody should know."""


class SlackDelivery:
    """An outbox with its sender and the worker that makes it go."""

    def __init__(
        self, clock: Clock, store: OutboxStore, sender: MessageSender, worker: Worker, routing: Routing
    ) -> None:
        self.clock = clock
        self.store = store
        self.sender = sender
        self.worker = worker
        self.routing = routing


class SlackNotifier(Notifier):
    """One deployment as Slack is told of it."""

    def __init__(
        self,
        outlet: SlackDelivery,
        view: DeploymentView,
        *,
        mentions: tuple[str, ...],
        outputs: tuple[str, ...],
        line: Callable[[str], None],
        note: Callable[[str], None],
        render: Callable[[Kind, DeploymentView], Announcement] | None = None,
        webhook_url: str = "",
        channels: int = 1,
    ) -> None:
        """`channels`: how many of Slack's this deployment has a message in; the limit of the app is for all
        of them together."""
        self.webhook_url = webhook_url
        self._channels = channels
        self._render = render or _rendered
        self._name = "webhook" if webhook_url else "Slack"
        self._outlet = outlet
        self._view = view
        self._mentions = mentions
        self._outputs = outputs
        self._line = line
        self._note = note
        self._defects: set[str] = set()
        self._updated_at = float("-inf")
        self._queue_seen: object = None
        self._stuck_told = False
        self._progress: Callable[[], None] | None = None
        self._progress_seen: object = None
        self._progress_told: object = None

    @property
    def box(self) -> Outbox:
        """The content of the outbox."""
        return self._outlet.store.box

    def queued(self, waiting: Waiting) -> None:
        """Called at each look at the queue: told when it changes, and now and then how long it has taken."""
        seen = (
            tuple((ticket.nonce, ticket.holding, ticket.expected_end) for ticket in waiting.ahead),
            waiting.freeze,
            waiting.away_seconds is None,
        )
        stuck = waiting.waited_seconds >= STUCK_SECONDS and not self._stuck_told
        changed = seen != self._queue_seen and not self._outlet.sender.limited
        pause = UPDATE_SECONDS if changed else QUEUE_UPDATE_SECONDS
        if not stuck and self._since_update() < pause * self._channels:
            return
        self._queue_seen = seen
        self._stuck_told = self._stuck_told or stuck
        moment = NotificationEvent.STUCK_IN_QUEUE if stuck else NotificationEvent.QUEUED
        self._tell(lambda view, at: views.queued(view, waiting, at=at, moment=moment))

    def started(self, report: Report) -> None:
        self._tell(lambda view, at: views.started(view, report, at=at))

    def expected(self, report: Report) -> None:
        """How long it is expected to take is known now: no news but in the message itself."""
        self._tell(lambda view, at: views.started(view, report, at=at), only={Kind.PARENT})

    def progressed(
        self,
        operation: Operation,
        forecast: Forecast,
        done: tuple[int, int] | None,
        *,
        now: CloudFormationTime,
    ) -> None:
        """`now`: unix seconds of CloudFormation. Told at once, or by `tick` when it is time to."""
        seen_at = self._monotonic()

        def tell() -> None:
            theirs = CloudFormationTime(now + self._monotonic() - seen_at)
            left = forecast.remaining(operation, now=theirs)
            self._tell(
                lambda view, at: views.progressed(view, operation, at=at, now=theirs, left=left, done=done)
            )

        self._progress = tell
        self._progress_seen = done, tuple(root.status for root in operation.roots)
        self.tick()

    def tick(self) -> None:
        """Called often: tells the progress that was too early to tell."""
        if self._progress is not None and self._since_update() >= self._progress_pause():
            tell, self._progress = self._progress, None
            self._progress_told = self._progress_seen
            self._guarded(tell)
        self._pass_on()

    def _progress_pause(self) -> float:
        """Longer where nothing has happened, and where Slack takes less."""
        limited = self._outlet.sender.limited
        if limited >= LIMITED_MAX:
            return float("inf")
        quiet = limited > 0 or self._progress_seen == self._progress_told
        return (QUIET_UPDATE_SECONDS if quiet else UPDATE_SECONDS) * self._channels

    def stalled(self, change: StallChange, operation: Operation) -> None:
        """A stall that began or is over."""
        self._tell(lambda view, at: views.stalled(view, change, operation, at=at))

    def overdue(self, estimate: Estimate) -> None:
        self._tell(lambda view, at: views.overdue(view, estimate, at=at))

    def warned(self, cause: Cause) -> None:
        self._tell(lambda view, at: views.warned(view, cause, at=at))

    def restarted(self, gap_seconds: float | None, restarts: int) -> None:
        self._tell(lambda view, at: views.restarted(view, gap_seconds, restarts=restarts, at=at))

    def taken_over(self, sentence: str) -> None:
        self._tell(lambda view, at: views.taken_over(view, sentence, at=at))

    def registry_changed(self, news: RegistryNews, sentence: str) -> None:
        """That it is back needs nobody."""
        quiet = {Kind.PARENT, Kind.REPLY}
        self._tell(
            lambda view, at: views.registry_changed(view, news, sentence, at=at),
            only=quiet if news is RegistryNews.BACK else None,
        )

    def ended(self, report: Report, *, timed_out: bool = False) -> None:
        """The last word. What is told after it is not accepted any more."""
        shown = self._outputs
        self._tell(lambda view, at: views.ended(view, report, at=at, shown=shown, timed_out=timed_out))

    def flush(self, seconds: float) -> None:
        """Up to so much real time for what can be delivered now. The only call that waits."""
        self._guarded(lambda: self._outlet.worker.flush(seconds))
        asked = self._outlet.sender.asked_to_wait_seconds
        if self.box.finished and 0.0 < asked <= END_WAIT_SECONDS:
            self._guarded(lambda: self._outlet.worker.flush(END_WAIT_SECONDS + seconds))
        self._pass_on()

    def close(self) -> Outbox:
        """At the end of the job: what was not delivered."""
        return self._outlet.store.write(Record(Step.CLOSE))

    def forget(self) -> None:
        """The rest was handed on."""
        self._outlet.store.forget()

    @property
    def posted_at(self) -> dict[str, float]:
        """When something was last posted, by channel."""
        return self._outlet.sender.posted_at

    @property
    def well(self) -> bool:
        """Slack took all that it was asked to, as far as is known."""
        return self._outlet.sender.well

    def _tell(
        self, change: Callable[[DeploymentView, float], DeploymentView], *, only: set[Kind] | None = None
    ) -> None:
        def tell() -> None:
            outlet = self._outlet
            self._view = view = change(self._view, outlet.clock.now())
            found = places(view.moment, outlet.routing)
            chosen = [place for place in found if only is None or place.kind in only]
            called = _who_calls(view.moment, chosen)
            outlet.sender.accept([self._entry(place, view, calls=place is called) for place in chosen])
            self._updated_at = self._monotonic()
            outlet.worker.wake()

        self._guarded(tell)
        self._pass_on()

    def _entry(self, place: Place, view: DeploymentView, *, calls: bool) -> Message:
        view = replace(view, mentions=self._mentions if calls else (), thread=self.box.link)
        try:
            told = self._render(place.kind, view)
        except Exception as error:  # noqa: BLE001 - the truth matters more than its looks
            self._tell_defect(error)
            told = Announcement(slack(f"{view.environment or view.correlation_id}: {view.moment.value}"))
        return Message(
            secrets.token_hex(8),
            place.kind,
            place.channel,
            told.text,
            told.blocks,
            at=view.at,
            final=view.moment.final,
        )

    def _monotonic(self) -> float:
        return self._outlet.clock.monotonic()

    def _since_update(self) -> float:
        return self._monotonic() - self._updated_at

    def _pass_on(self) -> None:
        """Say what the sender met with, from this thread."""
        troubles = self._outlet.sender.troubles
        while troubles:
            sentence, given_up = troubles.popleft()
            if given_up:
                self._note(sentence)
            else:
                self._line(f"{sentence} The deployment goes on; its messages are kept.")
        trouble = self._outlet.store.trouble
        if trouble and trouble not in self._defects:
            self._defects.add(trouble)
            self._note(trouble)

    def _guarded(self, call: Callable[[], None]) -> None:
        """A defect costs one message, and is told once."""
        try:
            call()
        except CoordinatorError:
            raise  # the job is cancelled, and its time is up
        except Exception as error:  # noqa: BLE001 - the first law
            self._tell_defect(error)

    def _tell_defect(self, error: Exception) -> None:
        sentence = (
            f"Some {self._name} messages are missing because of a defect in deploy-coordinator: "
            f"{type(error).__name__}: {error}"
        )
        if sentence not in self._defects:
            self._defects.add(sentence)
            self._note(sentence)


def open_slack(
    job: JobContext, wiring: Wiring, routing: Routing, settings: Settings, state: JobState
) -> list[SlackNotifier]:
    """One for each channel of this job, as an earlier step left it. What is posted beside the message, and
    whom it mentions, is the first one's."""
    limit, posted_at = AppLimit(), dict[str, float]()
    channels = 1 + len(routing.further)

    def opened(store: OutboxStore, own: Routing, mentions: tuple[str, ...]) -> SlackNotifier:
        messenger = wiring.messenger(store.box.correlation_id)
        sender = MessageSender(store, messenger, job.clock, posted_at, told=state.report.notes, limit=limit)
        return SlackNotifier(
            SlackDelivery(job.clock, store, sender, job.worker(sender), own),
            _new_view(job, settings, state),
            mentions=mentions,
            outputs=settings.slack_outputs,
            line=job.reporter.line,
            note=job.reporter.note,
            channels=channels,
        )

    store = wiring.outbox(job.folder.outbox, state.report.correlation_id)
    if state.slack_thread_ts and store.box == Outbox(store.box.correlation_id):
        # The outbox could not be kept on the disk; which message is ours is known all the same.
        ts, channel_id = state.slack_thread_ts, state.slack_channel_id
        store.write(Record(Step.FOUND, ts=ts, channel_id=channel_id))
        store.write(Record(Step.LINK, link=state.report.links.thread))
    parts = [opened(store, routing, settings.slack_mentions)]
    for number, channel in enumerate(routing.further, 2):
        name = outbox_name.of_channel(state.report.correlation_id, channel)
        own_store = wiring.outbox(job.folder.further_outbox(number), name)
        parts.append(opened(own_store, routing.of_further(channel), ()))
    return parts


def _new_view(job: JobContext, settings: Settings, state: JobState) -> DeploymentView:
    run = job.run
    origin = Origin(run.repository, run.actor, run.ref, run.workflow, run.server_url)
    return views.new_view(state.report, settings.stacks, at=job.clock.now(), origin=origin)


def open_webhook(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> SlackNotifier:
    """The webhook of this job beside Slack, with an outbox of its own."""
    from deploy_action.slack.messages.document import document, summary_line
    from deploy_action.slack.messages.teams_card import teams_message

    def render(_kind: Kind, view: DeploymentView) -> Announcement:
        teams = settings.webhook_format is WebhookFormat.TEAMS
        return Announcement(summary_line(view), (teams_message(view) if teams else document(view),))

    store = wiring.outbox(job.folder.webhook_outbox, outbox_name.of_webhook(state.report.correlation_id))
    sender = MessageSender(store, wiring.webhook(), job.clock, told=state.report.notes)
    return SlackNotifier(
        SlackDelivery(job.clock, store, sender, job.worker(sender), Routing(webhook=True)),
        _new_view(job, settings, state),
        mentions=(),
        outputs=(),
        line=job.reporter.line,
        note=job.reporter.note,
        render=render,
        webhook_url=settings.webhook_url,
    )


def _who_calls(moment: NotificationEvent, found: list[Place]) -> Place | None:
    """People are called once: in the alert channel, else by the broadcast."""
    if not calls(moment):
        return None
    loud = [place for place in found if place.kind in {Kind.POST, Kind.BROADCAST, Kind.WEBHOOK}]
    return min(loud, key=lambda place: place.kind is not Kind.POST, default=None)


def _rendered(kind: Kind, view: DeploymentView) -> Announcement:
    if kind is Kind.PARENT:
        return parent(view, now=WallTime(view.at))
    if kind is Kind.WEBHOOK:
        return single(view, now=WallTime(view.at))
    return entry_of(view.moment, view, now=WallTime(view.at), alone=kind is Kind.POST)
