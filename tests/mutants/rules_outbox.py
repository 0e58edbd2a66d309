"""What is told in Slack: once, in order, where it belongs, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.job.notifications import SlackNotifier
from deploy_action.slack import outbox
from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack import view_updates as channel_views
from deploy_action.slack.background_sender import BackgroundWorker
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.routing import Routing
from deploy_action.slack.sender import MessageSender
from deploy_action.slack.view import NotificationEvent
from tests.jobs import test_slack_channels
from tests.mutants.mutant import Case, killed_by
from tests.slack import test_background_sender as test_outbox_worker
from tests.slack import test_outbox, test_sender
from tests.slack import test_outbox_file as test_outbox_journal
from tests.slack import test_retry_queue as test_leftovers
from tests.slack import test_view as test_channel

if TYPE_CHECKING:
    from deploy_action.cloudformation.outcome import Outcome
    from tests.mutants.mutant import Patch

POSTED = test_sender.TestWhatMayHaveBeenPosted


@killed_by(
    test_outbox.TestOrder.test_one_that_fails_keeps_those_behind_it_back,
)
def a_message_overtakes_one_that_failed(patch: Patch) -> None:
    def heads(original: Any, box: outbox.Outbox) -> Any:
        return original(replace(box, pending=tuple(reversed(box.pending))))

    patch.function(outbox._heads, heads)


@killed_by(test_outbox.TestOrder.test_replies_wait_for_the_message_that_they_belong_to)
def replies_are_sent_before_there_is_a_message(patch: Patch) -> None:
    patch.function(
        outbox._heads, lambda original, box: original(replace(box, ts=box.ts or "1700000000.000001"))
    )


@killed_by(
    test_outbox.TestFinality.test_nothing_passing_is_accepted_after_the_end,
    test_sender.TestSlackIsBack.test_a_late_word_never_follows_the_last_one,
)
def a_late_word_follows_the_last_one(patch: Patch) -> None:
    patch.function(outbox.accept, lambda original, box, entry: original(replace(box, finished=False), entry))


@killed_by(test_sender.TestRetries.test_after_5_10_20_40_and_80_seconds_and_then_no_more)
def a_message_is_tried_for_ever(patch: Patch) -> None:
    patch.function(outbox._buried, lambda original, box, entry: box)


@killed_by(
    Case(test_outbox.TestRetries.test_slack_may_ask_for_a_longer_pause, "30.0-30.0"),
    test_sender.TestRetries.test_slack_says_how_long_to_wait,
)
def what_slack_asks_to_wait_is_not_waited(patch: Patch) -> None:
    patch.constant(outbox, "RETRY_AFTER_SECONDS_MAX", 0.0)


@killed_by(
    POSTED.test_a_message_is_looked_for_before_it_is_posted_again,
    POSTED.test_a_reply_too,
    POSTED.test_a_kill_in_the_middle_of_a_request_repeats_nothing,
    test_leftovers.test_what_somebody_died_with_is_looked_up_before_it_is_sent_again,
)
def what_may_have_been_posted_is_posted_again(patch: Patch) -> None:
    patch.function(MessageSender._found, lambda original, self, entry: False)


@killed_by(
    test_outbox.TestWhatMayHaveBeenPosted.test_a_begun_request_whose_end_is_unknown_is_doubtful,
    POSTED.test_a_kill_in_the_middle_of_a_request_repeats_nothing,
)
def what_was_begun_when_the_process_died_counts_as_not_sent(patch: Patch) -> None:
    def reopened(original: Any, box: outbox.Outbox) -> Any:
        return original(replace(box, pending=tuple(replace(one, begun=False) for one in box.pending)))

    patch.function(outbox.reopened, reopened)


@killed_by(POSTED.test_the_newest_state_is_shown_by_what_was_found)
def doubt_is_lost_with_the_state_that_had_it(patch: Patch) -> None:
    patch.function(outbox._after_those_before, lambda original, box, entry: entry)


@killed_by(test_outbox_worker.test_nobody_waits_for_a_silent_slack)
def the_deployment_waits_for_slack(patch: Patch) -> None:
    def wake(original: Any, self: BackgroundWorker) -> None:
        original(self)
        if self._thread is not None:
            self._thread.join(2.0)

    patch.function(BackgroundWorker.wake, wake)


@killed_by(test_outbox_worker.test_the_end_waits_no_longer_than_it_was_told_to)
def the_last_look_waits_for_a_silent_slack(patch: Patch) -> None:
    patch.function(
        BackgroundWorker.flush,
        lambda original, self, seconds: original(self, seconds + test_outbox_worker.SILENCE_SECONDS / 2),
    )


@killed_by(test_outbox_journal.test_everything_comes_back)
def a_step_is_not_kept_before_it_is_done(patch: Patch) -> None:
    patch.function(OutboxJournal._append, lambda original, self, record: None)


@killed_by(test_leftovers.test_whoever_comes_second_finds_it_taken)
def two_deployments_deliver_the_same_message(patch: Patch) -> None:
    patch.function(leftovers.QueuedOutbox.free, lambda original, self, now: True)


@killed_by(test_leftovers.test_another_repository_s_messages_are_not_told_into_another_workspace)
def messages_are_told_into_anothers_workspace(patch: Patch) -> None:
    patch.function(leftovers.Sender.may_tell, lambda original, self, left: self._reaches(left.box))


@killed_by(
    Case(test_leftovers.test_a_deployment_tells_nothing_outside_of_its_own_channels, "its message"),
    Case(test_leftovers.test_a_deployment_tells_nothing_outside_of_its_own_channels, "what failed"),
)
def a_forged_message_is_told_wherever_it_says(patch: Patch) -> None:
    patch.function(leftovers.Sender._reaches, lambda original, self, box: True)


@killed_by(test_leftovers.test_a_message_for_one_webhook_is_not_told_through_another)
def the_webhooks_address_is_written_down(patch: Patch) -> None:
    patch.function(leftovers.fingerprint, lambda original, secret: secret)


@killed_by(test_channel.test_nothing_follows_a_final_moment)
def progress_follows_the_end(patch: Patch) -> None:
    patch.function(NotificationEvent.final, lambda original, self: False)


@killed_by(
    Case(test_channel.test_each_outcome_has_a_final_moment_and_only_a_good_one_is_complete, "Outcome.UNKNOWN")
)
def an_unknown_verdict_is_told_as_complete(patch: Patch) -> None:
    def moment_of(original: Any, outcome: Outcome, **more: Any) -> Any:
        moment = original(outcome, **more)
        return NotificationEvent.COMPLETE if moment is NotificationEvent.UNKNOWN else moment

    patch.function(channel_views.moment_of, moment_of)


@killed_by(test_slack_channels.test_the_limit_of_the_app_is_for_all_channels_together)
def each_channel_spends_the_limit_of_the_app(patch: Patch) -> None:
    def alone(original: Any, self: SlackNotifier, *given: Any, **more: Any) -> None:
        original(self, *given, **{**more, "channels": 1})

    patch.function(SlackNotifier.__init__, alone)


@killed_by(test_slack_channels.test_each_channel_has_its_message_and_its_thread_and_people_are_called_once)
def each_channel_alerts_people(patch: Patch) -> None:
    patch.function(
        Routing.of_further, lambda original, self, channel: replace(self, channel=channel, further=())
    )
