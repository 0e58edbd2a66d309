"""Defects that somebody might build in, and the tests that must notice each of them.

To add a row: the text must stand in the file exactly once, and every test named must fail with it (all
parameters of a parametrised one, unless an id in brackets picks one).
"""

from __future__ import annotations

from dataclasses import dataclass

LOCK = "deploy_action/core/lock.py"
DOCUMENT = "deploy_action/core/document.py"
LEASES = "deploy_action/core/leases.py"
OPERATORS = "deploy_action/core/operators.py"
CODEC = "deploy_action/core/lock_codec.py"
SWAP = "deploy_action/engine/swap.py"
CLIENT = "deploy_action/engine/lock_client.py"
OTHERS = "deploy_action/engine/others.py"
IDLE = "deploy_action/engine/idle.py"
FILE = "deploy_action/adapters/registry/file.py"
GITHUB = "deploy_action/adapters/registry/github.py"
GITHUB_API = "deploy_action/adapters/github_api.py"
STACKS = "deploy_action/core/stacks.py"
CAUSES = "deploy_action/core/causes.py"
REMEDIES = "deploy_action/core/remedies.py"
REPORT = "deploy_action/core/report.py"
EVENTS = "deploy_action/core/events.py"
ESCAPE = "deploy_action/render/escape.py"
LOG = "deploy_action/render/log.py"
PROGRESS = "deploy_action/render/progress.py"
RUNS = "deploy_action/adapters/github_runs.py"
CONCURRENCY = "deploy_action/core/concurrency.py"
BEHIND = "deploy_action/core/behind.py"
LOOKER = "deploy_action/engine/behind.py"
HISTORY = "deploy_action/core/history.py"
PAST = "deploy_action/core/past.py"
ESTIMATE = "deploy_action/core/estimate.py"
SPREAD = "deploy_action/core/spread.py"
ACCURACY = "deploy_action/core/accuracy.py"
RUNS_DONE = "deploy_action/core/runs.py"
CHANNEL = "deploy_action/core/channel.py"
CHANNEL_VIEWS = "deploy_action/core/channel_views.py"
SLACK_BLOCKS = "deploy_action/render/slack/blocks.py"
SLACK_PARTS = "deploy_action/render/slack/parts.py"
SLACK_ENTRIES = "deploy_action/render/slack/entries.py"
SLACK_WORDS = "deploy_action/render/slack/words.py"

_SLACK = "tests/render/test_slack_messages.py::"
_CHANNEL = "tests/core/test_channel.py::test_"
_LOCK = "tests/core/test_lock.py::test_"
_WATCH = "tests/core/test_leases.py::TestSilence::test_"
_CLAIMS = "tests/core/test_leases.py::TestClaims::test_"
_GONE = "tests/core/test_leases.py::test_"
_HANDS = "tests/core/test_operators.py::test_"
_CODEC = "tests/core/test_lock_codec.py::test_"
_SWAP = "tests/engine/test_swap.py::test_"
_CLIENT = "tests/engine/test_lock_client.py::test_"
_LIFE = "tests/engine/test_lock_client.py::TestTheLifeOfJobs::test_"
_FROZEN = "tests/engine/test_lock_client.py::TestOperators::test_"
_NEWEST = "tests/core/test_lock.py::TestTheNewestOnly::test_"
_FALLBACK = "tests/steps/test_fallback.py::"
_IN_THE_REGISTRY = _FALLBACK + "TestWhatStandsInTheRegistry::test_"
_IDLE = "tests/engine/test_idle.py::test_"
_EVENTS = "tests/core/test_events.py::"
_CAUSES = "tests/core/test_causes.py::"
_REMEDIES = "tests/core/test_remedies.py::test_"
_REPORT = "tests/core/test_report.py::test_"
_DAYS = "tests/steps/test_bad_days.py::test_"
_TEMPLATE = "tests/steps/test_template.py::test_"
_COMMAND = "tests/steps/test_command.py::test_"
_PROGRESS = "tests/render/test_progress.py::TestProgress::test_"
_REASONS = "tests/render/test_log.py::TestLongReasons::test_"
_STORES = "tests/contract/test_registry.py::test_"
_GITHUB = "tests/contract/test_registry_github.py::test_"
_KILLED = "tests/steps/test_supervision.py::"
_FIRE = "tests/steps/test_faults.py::test_"
_STOP = "tests/steps/test_stopping.py::test_"
_ESCAPE = "tests/render/test_escape.py::TestTheLog::test_"
_RUNS = "tests/adapters/test_github_runs.py::test_"
_CONCURRENCY = "tests/core/test_concurrency.py::test_"
_BEHIND = "tests/core/test_behind.py::test_"
_LOOKER = "tests/engine/test_behind.py::"
_BEHIND_STEPS = "tests/steps/test_behind.py::test_"
_HISTORY = "tests/core/test_history.py::test_"
_ESTIMATE = "tests/core/test_estimate.py::"
_LIVE = "tests/core/test_estimate_live.py::"
_WATCHER = "tests/engine/test_watcher.py::test_"
_SCHEDULE = "tests/engine/test_schedule.py::test_"
_PACE = "tests/core/test_pace.py::test_"
_STALL = "tests/core/test_stall.py::test_"
_EXPECTING = "tests/steps/test_expecting.py::test_"


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]


_PUBLISH = "tests/tools/test_release.py::TestPublish::test_"
SUMMARY_TIMES = "deploy_action/render/summary_times.py"
_COMPARED = "tests/core/test_comparison.py::test_"
_SUMMARY = "tests/render/test_summary.py::test_"
DASHBOARD_DATA = "deploy_action/render/dashboard_data.py"
_DASHBOARD = "tests/render/test_dashboard.py::test_"
BORROWING = "deploy_action/core/borrowing.py"
_BORROWING = "tests/core/test_borrowing.py::test_"
_HALVES = "tests/steps/test_halves.py::test_"
OUTBOX = "deploy_action/core/outbox.py"
ROUTING = "deploy_action/core/routing.py"
COURIER = "deploy_action/engine/courier.py"
WORKER = "deploy_action/engine/outbox_worker.py"
LEFTOVERS = "deploy_action/engine/leftovers.py"
DRAINING = "deploy_action/engine/draining.py"
JOURNAL = "deploy_action/adapters/outbox_journal.py"
_OUTBOX = "tests/core/test_outbox.py::"
_ROUTING = "tests/core/test_routing.py::test_"
_COURIER = "tests/engine/test_courier.py::"
_LEFT = "tests/engine/test_leftovers.py::test_"
_JOURNAL = "tests/adapters/test_outbox_journal.py::test_"
PREFLIGHT_STEP = "deploy_action/steps/preflight.py"
PREFLIGHT_ENGINE = "deploy_action/engine/preflight.py"
FINDING = "deploy_action/core/preflight/finding.py"
CLEANUP_COMMAND = "deploy_action/cli/cleanup.py"
CLEANUP_ENGINE = "deploy_action/engine/cleanup.py"
CLEANUP = "deploy_action/core/cleanup.py"
_PREFLIGHT = "tests/steps/test_preflight.py::"
_CLEANING = "tests/cli/test_cleanup.py::"
TEMPLATE_FILE = "deploy_action/template_file.py"
PAGE = "deploy_action/steps/page.py"
_COLLECT = "tests/steps/test_collect.py::test_"
_PAGE = "tests/steps/test_page.py::test_"

MUTANTS = (
    Mutant(
        "tickets are known by their correlation id instead of their nonce",
        LOCK,
        "    current = document.ticket(ticket.nonce)\n    if current is None or (ticket.holding",
        "    same = [t for t in document.tickets if t.correlation_id == ticket.correlation_id]\n"
        "    current = same[0] if same else None\n    if current is None or (ticket.holding",
        (_LOCK + "the_same_actor_and_correlation_are_no_identity",),
    ),
    Mutant(
        "a place in the queue goes by actor instead of nonce",
        LOCK,
        "if document.ticket(ticket.nonce) is not None:",
        "if any(t.actor == ticket.actor for t in document.tickets):",
        (_LOCK + "a_busy_lock_puts_the_request_in_the_queue",),
    ),
    Mutant(
        "release does not look at the epoch",
        LOCK,
        "if current is None or (ticket.holding and current.epochs != ticket.epochs):",
        "if current is None:",
        (
            _LOCK + "release_under_a_foreign_epoch_changes_nothing",
            _LOCK + "release_by_a_holder_that_was_evicted_and_queued_again_changes_nothing",
        ),
    ),
    Mutant(
        "release frees whoever holds the lock",
        LOCK,
        "    current = document.ticket(ticket.nonce)\n    if current is None or (ticket.holding and",
        "    current = document.holder_of(ticket.locks[0])\n    if current is None or (False and",
        (
            _LOCK + "a_waiter_that_leaves_frees_nobody_elses_lock",
            _CLIENT + "a_holder_that_wakes_up_after_a_takeover_is_fenced_and_frees_nobodys_lock",
        ),
    ),
    Mutant(
        "the fence does not look at the epoch",
        LOCK,
        "if current is None or current.epochs != ticket.epochs:",
        "if current is None:",
        (_LOCK + "renewal_after_an_eviction_and_a_new_place_in_the_queue_raises_lock_lost",),
    ),
    Mutant(
        "a lease ends by the wall clock of its record",
        OTHERS,
        "silent = self._watch.silent_seconds(ticket, now)",
        "silent = 1e9 if iso(self._clock.now() - ticket.lease) > ticket.held_since > '' else 0.0",
        (_CLIENT + "a_living_holder_that_renews_is_never_taken_over_however_long",),
    ),
    Mutant(
        "a lease ends without any clock",
        LEASES,
        "if allowed is not None and silent_seconds >= allowed:",
        "if allowed is not None:",
        (
            _GONE + "a_holder_of_whose_job_nothing_is_known_is_gone_after_its_lease",
            _CLIENT + "a_dead_holder_is_taken_over_after_its_lease_and_told",
            _CLIENT + "a_living_holder_that_renews_is_never_taken_over_however_long",
        ),
    ),
    Mutant(
        "a renewal does not start the lease anew",
        LEASES,
        "known.until(now) if known is not None and known.what == what else 0.0",
        "known.until(now) if known is not None else 0.0",
        (
            _WATCH + "any_renewal_ends_it",
            _WATCH + "a_grant_is_a_sign_of_life",
            _CLAIMS + "a_turn_of_somebody_else_in_between_starts_it_anew",
        ),
    ),
    Mutant(
        "an outage of the registry makes all holders look dead",
        LEASES,
        "min(now - self.seen_at, GAP_SECONDS)",
        "now - self.seen_at",
        (
            _WATCH + "of_the_time_in_which_nothing_could_be_seen_little_counts",
            _CLIENT + "an_outage_for_everybody_kills_no_holder",
        ),
    ),
    Mutant(
        "a grant is no sign of life",
        LEASES,
        "return ticket.renewals, ticket.epochs",
        "return ticket.renewals, ()",
        (
            _WATCH + "a_grant_is_a_sign_of_life",
            _CLIENT + "a_waiter_that_wakes_and_is_granted_while_being_pruned_keeps_the_lock",
        ),
    ),
    Mutant(
        "the document decides how short a lease may be",
        DOCUMENT,
        "return min(max(self.lease_seconds, LEASE_SECONDS_MIN), LEASE_SECONDS_MAX)",
        "return self.lease_seconds",
        (_GONE + "a_forged_lease_is_kept_within_limits",),
    ),
    Mutant(
        "silence is believed although the job is known to run",
        LEASES,
        "    if life is JobLife.RUNNING:\n        return STUCK_LEASES",
        "    if False:\n        return STUCK_LEASES",
        (
            _GONE + "a_silent_holder_whose_job_runs_has_six_leases",
            _LIFE + "a_silent_holder_whose_job_runs_keeps_the_lock_for_six_leases",
        ),
    ),
    Mutant(
        "a job that is said to run keeps the lock for ever",
        LEASES,
        "return STUCK_LEASES * ticket.lease",
        "return None",
        (_GONE + "a_silent_holder_whose_job_runs_has_six_leases",),
    ),
    Mutant(
        "a waiter is passed although it may see the lock frozen",
        LEASES,
        "now < end + THAW_SECONDS",
        "now < end",
        (_CLAIMS + "a_clock_that_is_ahead_thaws_nobody_elses_claim",),
    ),
    Mutant(
        "a dead waiter blocks the queue for ever",
        LEASES,
        "unclaimed_seconds >= CLAIM_SECONDS",
        "False",
        (
            _GONE + "a_waiter_is_gone_when_it_leaves_a_free_lock_lying",
            _CLIENT + "a_dead_waiter_ahead_is_pruned_and_told",
        ),
    ),
    Mutant(
        "a stack that others created anew while we queued is deleted",
        "deploy_action/engine/native.py",
        "if now is None or (now.stack_id, now.status) != (state.stack_id, state.status):",
        "if False:",
        (_FALLBACK + "TestQueueingLate::test_a_stack_that_they_created_anew_is_not_deleted",),
    ),
    Mutant(
        "what others did while we queued is taken for the command's",
        "deploy_action/steps/by_command.py",
        "    deployment.fence()\n    state.baseline = _baseline(deployment)\n",
        "    state.baseline = _baseline(deployment)\n    deployment.fence()\n",
        (_FALLBACK + "TestQueueingLate::test_what_they_did_is_not_the_commands",),
    ),
    Mutant(
        "conflicts that move nothing are tried for ever",
        SWAP,
        "if most <= 0.0 and now > since:",
        "if False:",
        (_SWAP + "conflicts_that_move_nothing_come_to_an_end",),
    ),
    Mutant(
        "one lost answer makes a running job unknown",
        OTHERS,
        "elif answer is JobLife.UNKNOWN and now",
        "elif False and now",
        (_LIFE + "one_lost_answer_is_no_news_about_a_job_that_ran",),
    ),
    Mutant(
        "none in this account counts as at rest in another",
        OTHERS,
        "if holder.account and self._account and holder.account != self._account:",
        "if False:",
        (_LIFE + "stacks_of_another_account_are_never_known_to_be_at_rest",),
    ),
    Mutant(
        "whoever was taken over settles what the next one left",
        LOCK,
        "if current is None or not current.holding or current.epochs != ticket.epochs:",
        "if False:",
        (_LOCK + "only_who_holds_the_lock_says_what_has_settled",),
    ),
    Mutant(
        "a waiter leaves a queue that cannot be read for a moment",
        CLIENT,
        "        except RegistryError as error:\n            now",
        "        except RegistryUnavailable as error:\n            now",
        (
            _CLIENT + "one_that_becomes_unreadable_lets_no_waiter_pass_before_a_whole_lease",
            _FALLBACK + "test_a_waiter_does_not_leave_a_queue_that_becomes_unreadable_for_a_moment",
        ),
    ),
    Mutant(
        "a history that cannot be read keeps the lock",
        "deploy_action/steps/post.py",
        "    except Exception as error:",
        "    except Cancelled as error:",
        (
            "tests/steps/test_coordination.py::test_a_history_that_cannot_be_read_keeps_nobody_from_giving_the_lock_back",
        ),
    ),
    Mutant(
        "a full queue ends the watch of what runs",
        "deploy_action/engine/keeper.py",
        "        except (Busy, CannotStart):\n            return",
        "        except MemoryError:\n            return",
        ("tests/engine/test_keeper.py::test_a_full_queue_ends_nothing_that_runs",),
    ),
    Mutant(
        "who was superseded in its absence deploys over the newer one",
        LOCK,
        "if line.outcome == SKIPPED and nothing_changed:",
        "if False:",
        ("tests/engine/test_keeper.py::test_one_that_was_superseded_meanwhile_changes_nothing_any_more",),
    ),
    Mutant(
        "a join that was found again is not looked at again",
        CLIENT,
        "if document.ticket(ticket.nonce) is None and self._lent(document) is None:",
        "if False:",
        ("tests/engine/test_keeper.py::test_a_join_that_landed_before_a_takeover_does_not_hold_after_it",),
    ),
    Mutant(
        "a cancellation in the fence is not heard",
        "deploy_action/steps/deployment.py",
        "        if self.coordination.fence():\n"
        "            self.waited(self.world.clock.monotonic() - began)\n"
        "        if self.world.cancelled():",
        "        self.coordination.fence()\n        if False:",
        (_FALLBACK + "test_a_cancellation_that_arrives_in_the_fence_is_heard",),
    ),
    Mutant(
        "stacks of another account are forgotten by who cannot see them",
        "deploy_action/steps/coordination.py",
        "if own and account and account != own:",
        "if False:",
        (_IN_THE_REGISTRY + "a_stack_of_another_account_is_told_and_kept_for_who_can_see_it",),
    ),
    Mutant(
        "a state from before the own grant is believed",
        SWAP,
        "if document.revision < self._seen_revision:",
        "if False:",
        tuple(
            "tests/engine/test_lock_client.py::TestReadsThatLagBehind::test_" + name
            for name in (
                "a_fence_concludes_nothing_from_a_state_before_the_grant",
                "a_release_is_not_taken_for_done",
            )
        ),
    ),
    Mutant(
        "a renewal that was found again is not looked at again",
        SWAP,
        "                    confirm(document)\n",
        "",
        (_CLIENT + "a_fence_that_landed_before_a_takeover_does_not_hold_after_it",),
    ),
    Mutant(
        "a revocation without an answer counts as done",
        OTHERS,
        "if revoked else list(holder.stacks)",
        "if True else list(holder.stacks)",
        (_LIFE + "a_revocation_without_an_answer_is_doubt",),
    ),
    Mutant(
        "what settles is forgotten by one that joined late",
        "deploy_action/engine/keeper.py",
        "        self._is_well()\n        return settling",
        "        self._is_well()\n        return ()",
        (
            "tests/engine/test_keeper.py::test_what_settles_is_waited_for_also_by_one_that_joined_while_it_prepared",
        ),
    ),
    Mutant(
        "what a paused holder could still execute is left to it",
        OTHERS,
        "revoked = self._revoke(holder)",
        "revoked = True",
        (_LIFE + "what_a_paused_holder_could_still_execute_is_taken_away_before_the_last_look",),
    ),
    Mutant(
        "a frozen lock is granted",
        LOCK,
        "if ahead_of(document, ticket) or freeze_of(document, ticket.locks, at=at):",
        "if ahead_of(document, ticket):",
        (
            _HANDS + "a_frozen_lock_is_granted_to_nobody_and_the_queue_forms_behind_it",
            _FROZEN + "a_frozen_lock_is_busy_for_who_does_not_wait",
        ),
    ),
    Mutant(
        "a forced release forgets what is still in progress",
        OPERATORS,
        "leave_settling(document, ticket, ticket.stacks)",
        "document",
        (_HANDS + "the_stacks_of_a_holder_that_was_released_by_force_settle",),
    ),
    Mutant(
        "who wants its turn is superseded",
        DOCUMENT,
        "self.policy is other.policy is QueuePolicy.NEWEST",
        "self.policy is QueuePolicy.NEWEST",
        (_NEWEST + "who_wants_its_turn_keeps_it",),
    ),
    Mutant(
        "a deployment of more is superseded by one of less",
        DOCUMENT,
        "            and set(other.stacks) <= set(self.stacks)\n",
        "",
        (_NEWEST + "one_that_would_deploy_something_else_too_is_not_superseded",),
    ),
    Mutant(
        "an older one that wakes up supersedes a newer one",
        LOCK,
        "number = ticket.number or document.arrivals + 1",
        "number = document.arrivals + 1",
        (_NEWEST + "one_that_comes_back_keeps_its_number_and_supersedes_nobody",),
    ),
    Mutant(
        "a turn that is not the lock's latest is believed",
        CODEC,
        "        if epoch != counted or not epoch:",
        "        if False:",
        (_CODEC + "a_turn_that_is_not_the_locks_latest_is_refused",),
    ),
    Mutant(
        "a takeover does not look at the stacks",
        OTHERS,
        "if why is not None and (not ticket.holding or self._at_rest(ticket, why, now)):",
        "if why is not None:",
        (_CLIENT + "a_dead_holder_is_not_taken_over_while_a_stack_of_it_is_in_progress",),
    ),
    Mutant(
        "a stack that cannot be seen counts as at rest",
        IDLE,
        "except (StackSourceError, ValueError):\n            found.append(text)",
        "except (StackSourceError, ValueError):\n            continue",
        (_IDLE + "doubt_counts_as_in_progress", _IDLE + "a_text_that_names_no_stack_is_doubt"),
    ),
    Mutant(
        "a takeover does not look again when it writes",
        CLIENT,
        "if current is not None and leases.life_of(current) == leases.life_of(ticket):",
        "if current is not None:",
        (_CLIENT + "a_holder_that_renews_while_it_is_about_to_be_taken_over_keeps_the_lock",),
    ),
    Mutant(
        "a takeover is told that did not happen",
        CLIENT,
        "taken_over.extend(notes)",
        "taken_over.extend(_takeover_note(*one) for one in gone)",
        (_CLIENT + "a_takeover_that_did_not_happen_is_not_told",),
    ),
    Mutant(
        "waiters take the lock in any order",
        LOCK,
        "(other.holding or before)",
        "other.holding",
        (
            _LOCK + "waiters_of_one_lock_are_served_in_order_of_arrival",
            _LOCK + "a_newcomer_does_not_overtake_a_waiter_when_the_lock_falls_free",
        ),
    ),
    Mutant(
        "a holder is not waited for",
        LOCK,
        "(other.holding or before)",
        "(before and not other.holding)",
        (_CLIENT + "a_busy_lock_is_told_at_once_and_nothing_is_left_in_the_document",),
    ),
    Mutant(
        "only the first lock of a ticket counts",
        DOCUMENT,
        "return not set(self.locks).isdisjoint(other.locks)",
        "return self.locks[0] == other.locks[0]",
        (_LOCK + "several_locks_are_taken_together_or_not_at_all",),
    ),
    Mutant(
        "a request that does not want to wait leaves its ticket behind",
        LOCK,
        "return queued if enqueue_if_busy else None",
        "return queued",
        (_CLIENT + "a_busy_lock_is_told_at_once_and_nothing_is_left_in_the_document",),
    ),
    Mutant(
        "the withdrawal after a time-out frees the holder's lock",
        CLIENT,
        'core.release(document, self.ticket, outcome="withdrawn"',
        'core.release(document, document.tickets[0], outcome="withdrawn"',
        (
            _CLIENT + "waiting_ends_at_the_time_out_to_the_second_and_the_place_is_given_back",
            _CLIENT + "cancellation_while_waiting_gives_the_place_back",
        ),
    ),
    Mutant(
        "nothing is withdrawn after a request without an answer",
        CLIENT,
        "        try:\n            document, newest = self._request(wait), True\n",
        "        document, newest = self._request(wait), True\n        try:\n",
        (_CLIENT + "a_request_whose_answer_never_came_is_withdrawn_as_soon_as_the_registry_is_back",),
    ),
    Mutant(
        "the epoch is not raised",
        LOCK,
        "epoch=lock.epoch + 1",
        "epoch=max(1, lock.epoch)",
        (
            _LOCK + "epochs_rise_by_one_a_holder_and_never_fall",
            _LOCK + "an_eviction_keeps_the_epoch_so_that_the_next_holder_has_a_higher_one",
        ),
    ),
    Mutant(
        "the operation id is not looked for after an ambiguous answer",
        SWAP,
        "if sent is not None and sent[1] in document.operations:",
        "if False:",
        (_SWAP + "a_lost_answer_is_found_under_somebody_elses_later_write",),
    ),
    Mutant(
        "a write that is sent again gets another operation id",
        SWAP,
        "operation = sent[1] if sent is not None and unmoved else secrets.token_hex(8)",
        "operation = secrets.token_hex(8)",
        (_SWAP + "a_late_effect_after_further_tries_takes_effect_exactly_once",),
    ),
    Mutant(
        "a conflict is taken for success",
        SWAP,
        "            except RegistryConflict as error:\n",
        "            except RegistryConflict as error:\n                return result\n",
        (_SWAP + "a_conflict_leads_to_a_new_decision_on_the_newest_document",),
    ),
    Mutant(
        "what settles is forgotten at the next release",
        LOCK,
        "settling=tuple(dict.fromkeys((*lock.settling, *stacks)))",
        "settling=stacks",
        (
            _LOCK + "settling_accumulates_over_holders_until_it_is_settled",
            _CLIENT + "what_settles_is_handed_on_until_somebody_has_seen_it_end",
        ),
    ),
    Mutant(
        "a damaged document is taken for an empty one",
        CODEC,
        'raise _unreadable(f"it is not JSON ({error})") from error',
        "return Document()",
        (
            _SWAP + "a_document_that_becomes_unreadable_between_two_tries_is_not_overwritten",
            _CODEC + "half_a_document_is_unreadable",
        ),
    ),
    Mutant(
        "a newer schema is read as if it were this one",
        CODEC,
        "if schema > SCHEMA:",
        "if schema > SCHEMA + 1:",
        (_CLIENT + "an_unreadable_registry_is_told_at_once_and_left_as_it_is",),
    ),
    Mutant(
        "a document with two holders of a lock is believed",
        CODEC,
        "if len(set(held)) != len(held):",
        "if not tickets:",
        (_CODEC + "two_holders_of_one_lock_are_refused",),
    ),
    Mutant(
        "the file registry writes without comparing",
        FILE,
        "raise RegistryConflict(",
        "str(",
        ("tests/contract/test_registry.py::test_a_stale_swap_conflicts_and_changes_nothing[file]",),
    ),
    Mutant(
        "a status that is not known counts as success",
        STACKS,
        "        return Verdict.ROLLED_BACK\n    return Verdict.FAILED",
        "        return Verdict.ROLLED_BACK\n    return Verdict.SUCCEEDED",
        (
            _EVENTS + "test_an_unknown_status_is_never_a_success",
            _REPORT + "what_a_status_says[UPDATE_PERHAPS_COMPLETE-Verdict.FAILED]",
        ),
    ),
    Mutant(
        "an unknown outcome counts as good",
        REPORT,
        "self in {Outcome.SUCCEEDED, Outcome.NO_CHANGES}",
        "self in {Outcome.SUCCEEDED, Outcome.NO_CHANGES, Outcome.UNKNOWN}",
        (
            _REPORT + "only_two_outcomes_are_good",
            "tests/render/test_summary.py::test_only_what_went_well_has_a_green_sign",
        ),
    ),
    Mutant(
        "stacks still in progress count as success",
        REPORT,
        "        (Verdict.RUNNING, Outcome.UNKNOWN),\n",
        "",
        (_REPORT + "the_outcome_is_the_worst_of_all_stacks[verdicts3-Outcome.UNKNOWN]",),
    ),
    Mutant(
        "a workflow command in the middle of a line survives",
        ESCAPE,
        '    line = line.replace("##[", f"#{_ZERO_WIDTH}#[")\n',
        "",
        (_ESCAPE + "no_command_is_recognised_wherever_the_text_stands",),
    ),
    Mutant(
        "a workflow command at the start of a line survives",
        ESCAPE,
        'return f":{_ZERO_WIDTH}:{line[2:]}" if line.startswith("::") else line',
        "return line",
        (_ESCAPE + "no_command_is_recognised_wherever_the_text_stands",),
    ),
    Mutant(
        "cancelled siblings are causes",
        CAUSES,
        "if event.is_stack or not event.reason or _CANCELLED.match(event.reason):",
        "if event.is_stack or not event.reason:",
        (_CAUSES + "test_cancelled_siblings_and_the_summary_are_no_causes",),
    ),
    Mutant(
        "wrappers are causes beside their leaf",
        CAUSES,
        "if not _WRAPPER.match(event.reason):",
        "if event.reason:",
        (_CAUSES + "TestNested::test_only_the_leaf_is_the_cause_and_its_name_says_where_it_lies",),
    ),
    Mutant(
        "deletions that fail while rolling back are causes",
        CAUSES,
        "return event.event_id in stack.afterwards or any(",
        "return any(",
        (
            _CAUSES + "TestDeletions::test_one_that_fails_in_clean_up_is_no_cause",
            _CAUSES + "TestDeletions::test_one_inside_a_nested_stack_that_the_root_rolls_back_is_no_cause",
        ),
    ),
    Mutant(
        "a hook that only warns is a cause",
        EVENTS,
        ' and self.hook_failure_mode != "WARN"',
        "",
        (_CAUSES + "TestHooks::test_one_that_only_warns_is_no_cause",),
    ),
    Mutant(
        "a resource that a hook forbids is told beside the hook",
        CAUSES,
        "    if told_by_hook or (",
        "    if (",
        (_CAUSES + "TestHooks::test_the_hooks_own_words_are_the_cause_and_the_resource_its_wrapper",),
    ),
    Mutant(
        "a hook hides the resource's reason though its own event was not read",
        CAUSES,
        "_HOOKS.match(event.reason) and _hook_has_told(stack, event)",
        "_HOOKS.match(event.reason)",
        (_CAUSES + "TestHooks::test_without_the_hooks_event_the_resources_reason_stays",),
    ),
    Mutant(
        "causes are told by time alone",
        CAUSES,
        "tuple(sorted(unique.values(), key=_vagueness))",
        "tuple(unique.values())",
        (
            _CAUSES + "TestRanking::test_words_that_fit_anything_come_after_a_services_own",
            _CAUSES + "TestRanking::test_a_wrapper_that_stands_in_comes_last",
        ),
    ),
    Mutant(
        "a stack without a told resource is silent beside one that has it",
        CAUSES,
        "root.stack_id not in explained and",
        "not explained and",
        (_CAUSES + "test_each_of_several_stacks_has_its_own_last_resort",),
    ),
    Mutant(
        "a failure without a reason is lost",
        CAUSES,
        "(better or wrappers or told or silent)",
        "(better or wrappers or told)",
        (_CAUSES + "TestToldOfTheStackOnly::test_a_failure_without_a_reason_is_told_where_nothing_else_is",),
    ),
    Mutant(
        "early warnings go on after the end",
        CAUSES,
        "    if not any(root.in_progress for root in operation.roots):\n        return ()\n",
        "",
        (
            _CAUSES + "TestEarlyWarnings::"
            "test_a_failure_is_known_while_the_stack_goes_on_and_nothing_is_early_at_its_end",
        ),
    ),
    Mutant(
        "every resource in progress is a warning",
        CAUSES,
        "activity.running and _TROUBLE.search(activity.reason, 0, _SEARCHED)",
        "activity.running",
        (_CAUSES + "TestEarlyWarnings::test_a_resource_in_progress_can_speak_of_trouble_before_it_fails",),
    ),
    Mutant(
        "patterns search a reason without bound",
        REMEDIES,
        "text = reason[:SEARCHED_MAX]",
        "text = reason",
        (_REMEDIES + "only_the_beginning_of_a_long_reason_is_searched_and_little_of_it_quoted",),
    ),
    Mutant(
        "a remedy quotes a reason without bound",
        REMEDIES,
        '(value or "")[:QUOTED_MAX]',
        '(value or "")',
        (_REMEDIES + "only_the_beginning_of_a_long_reason_is_searched_and_little_of_it_quoted",),
    ),
    Mutant(
        "what an earlier operation did is kept",
        EVENTS,
        "                    stack.forget()\n",
        "                    pass\n",
        (
            _EVENTS
            + "TestSeveralOperationsInOneCommand::test_the_last_one_is_told_with_nothing_left_of_the_first",
            _CAUSES + "test_failures_of_an_earlier_operation_are_not_told_again",
        ),
    ),
    Mutant(
        "no renewal before the change set is executed",
        "deploy_action/engine/keeper.py",
        "settling = self._client.renew()",
        "settling = ()",
        (
            "tests/engine/test_keeper.py::test_the_fence_does_not_hold_for_a_lock_that_was_lost",
            _DAYS + "nothing_is_deleted_after_the_lock_was_lost",
        ),
    ),
    Mutant(
        "a blind watch ends a running command",
        "deploy_action/steps/by_command.py",
        "            done,\n            gives_up=False,\n",
        "            done,\n            gives_up=True,\n",
        (_DAYS + "a_command_that_fails_while_nobody_can_see_is_a_failure",),
    ),
    Mutant(
        "a command that was cut off is judged by its stacks",
        "deploy_action/steps/by_command.py",
        "    if code is None:",
        "    if False:",
        (_DAYS + "a_time_out_while_the_command_runs_is_never_green",),
    ),
    Mutant(
        "a command's success hides a failed stack",
        "deploy_action/steps/by_command.py",
        "    if outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:",
        "    if code and outcome in {Outcome.FAILED, Outcome.ROLLED_BACK}:",
        (_COMMAND + "a_stack_that_fails_fails_the_step_although_the_command_reports_success",),
    ),
    Mutant(
        "credentials that expired are no reason to doubt",
        "deploy_action/steps/deployment.py",
        "        if outcome is not Outcome.UNKNOWN:\n            return",
        "        return",
        (_TEMPLATE + "credentials_that_expire_midway_make_the_verdict_unknown_and_never_green",),
    ),
    Mutant(
        "an unclear answer to the execution is taken for a refusal",
        "deploy_action/engine/native.py",
        "            if not self._withdrawn(plan, error):",
        "            if False:",
        (_DAYS + "an_execution_whose_answer_was_lost_is_watched_to_its_end[error_after]",),
    ),
    Mutant(
        "a stack that somebody deleted is a success",
        "deploy_action/steps/seeing_through.py",
        "    if not (outcome.good and deleted):",
        "    if True:",
        (_DAYS + "a_stack_that_somebody_deletes_meanwhile_is_a_failure_and_no_hang",),
    ),
    Mutant(
        "post forgets the stacks that still run",
        "deploy_action/steps/post.py",
        "            settling=settling,\n            history=change,",
        "            history=change,",
        (
            _DAYS + "stacks_left_running_are_remembered_although_another_rolled_back",
            _TEMPLATE + "a_time_out_leaves_it_running_and_the_next_deployment_waits_for_it",
        ),
    ),
    Mutant(
        "empty tags are sent",
        "deploy_action/adapters/cloudformation.py",
        "for name, value in optional.items() if value}",
        'for name, value in optional.items() if value or name == "Tags"}',
        (_DAYS + "the_tags_that_a_stack_has_are_left_alone",),
    ),
    Mutant(
        "one unreadable moment ends the watch of what still runs",
        "deploy_action/steps/by_command.py",
        "            return now - self._unreadable >= patience",
        "            return True",
        (_DAYS + "throttling_after_the_command_does_not_cut_the_watch_short",),
    ),
    Mutant(
        "a stack that could not be watched counts as good",
        "deploy_action/steps/by_command.py",
        "if unclear or not watcher.readable or deployment.state.partly_unwatched:",
        "if unclear or not watcher.readable:",
        (_DAYS + "a_refused_stack_makes_success_unknown",),
    ),
    Mutant(
        "a job of another run is believed",
        RUNS,
        "id=ticket.job, run_id=ticket.run_id",
        "id=ticket.job",
        (_RUNS + "a_job_of_another_run_is_not_believed",),
    ),
    Mutant(
        "a job or run of another attempt is believed",
        RUNS,
        "attempt is None or not ticket.run_attempt or attempt == int(ticket.run_attempt)",
        "True",
        (
            _RUNS + "a_job_of_another_attempt_is_not_believed",
            _RUNS + "an_answer_about_another_attempt_is_not_believed",
        ),
    ),
    Mutant(
        "an older attempt is judged by the newest one",
        RUNS,
        'f"runs/{ticket.run_id}/attempts/{ticket.run_attempt}"',
        'f"runs/{ticket.run_id}"',
        (
            _RUNS + "a_newer_attempt_does_not_make_an_older_one_look_alive",
            _RUNS + "an_enterprise_server",
        ),
    ),
    Mutant(
        "a run is asked about without its attempt",
        RUNS,
        "        if not ticket.run_attempt:",
        "        if False:",
        (_RUNS + "without_an_attempt_the_run_is_not_asked_since_it_would_answer_for_its_newest",),
    ),
    Mutant(
        "no permission counts as completed",
        RUNS,
        "            if status not in {200, 404}:\n                return JobLife.UNKNOWN",
        "            if status not in {200, 404}:\n                return JobLife.COMPLETED",
        (
            _RUNS + "without_permission_nothing_is_known_and_the_remedy_is[21]",
            _RUNS + "a_rate_limit_says_nothing_and_is_no_lasting_trouble",
        ),
    ),
    Mutant(
        "a run that is gone counts as completed",
        RUNS,
        "id=ticket.run_id) else JobLife.UNKNOWN",
        "id=ticket.run_id) else JobLife.COMPLETED",
        (
            _RUNS + "a_run_of_our_own_that_was_deleted_is_no_permission_problem",
            _RUNS + "without_permission_nothing_is_known_and_the_remedy_is[deploy]",
        ),
    ),
    Mutant(
        "an unknown status of a job counts as completed",
        RUNS,
        "in ALIVE else JobLife.UNKNOWN",
        "in ALIVE else JobLife.COMPLETED",
        (_RUNS + "whatever_else_comes_back_says_nothing[fault12]",),
    ),
    Mutant(
        "runs of another server are asked about",
        RUNS,
        "            ticket.url.startswith(self._pages)\n            and",
        "           ",
        (_RUNS + "an_enterprise_server",),
    ),
    Mutant(
        "the number of a run is not checked to its end",
        RUNS,
        "and NUMBER.fullmatch(ticket.run_id)",
        "and NUMBER.match(ticket.run_id)",
        (_RUNS + "what_is_no_run_of_this_server_is_never_asked_about[changes1]",),
    ),
    Mutant(
        "a repository may be a way to another path",
        RUNS,
        r"/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}",
        r"/[A-Za-z0-9._-]{1,100}",
        (_RUNS + "what_is_no_run_of_this_server_is_never_asked_about[changes10]",),
    ),
    Mutant(
        "a look swallows the cancellation of its job",
        RUNS,
        "        except CoordinatorError:\n            raise\n",
        "",
        (_RUNS + "a_cancelled_job_does_not_wait_for_an_answer",),
    ),
    Mutant(
        "a job of a reusable workflow is said to have no group",
        CONCURRENCY,
        'isinstance(own, dict) and "uses" not in own',
        "True",
        (_CONCURRENCY + "of_a_job_in_a_reusable_workflow_only_the_callers_own_group_is_known",),
    ),
    Mutant(
        "files are written although the swap lost",
        FILE,
        "                raise RegistryConflict(",
        "                for name, content in files.items():\n"
        "                    _write(self._document.with_name(name), content)\n"
        "                raise RegistryConflict(",
        (
            _STORES + "files_of_a_swap_that_lost_do_not_appear[file-creating-True]",
            _STORES + "files_of_a_swap_that_lost_do_not_appear[file-updating-False]",
        ),
    ),
    Mutant(
        "s3 forgets the files of the version before",
        "deploy_action/adapters/registry/s3.py",
        "pointers = {**before, **{",
        "pointers = {**{",
        (
            _STORES + "files_appear_with_the_swap[s3]",
            _STORES + "files_survive_swaps_without_any[s3]",
        ),
    ),
    Mutant(
        "dynamodb writes files without the condition",
        "deploy_action/adapters/registry/dynamodb.py",
        "for put in (registry, *others)]",
        'for put in ({n: registry[n] for n in ("TableName", "Item")}, *others)]',
        (
            _STORES + "files_of_a_swap_that_lost_do_not_appear[dynamodb-creating-True]",
            _STORES + "files_of_a_swap_that_lost_do_not_appear[dynamodb-updating-False]",
        ),
    ),
    Mutant(
        "rate limit is not told",
        GITHUB_API,
        "        retry_seconds=pause,\n",
        "",
        (
            _GITHUB + "a_rate_limit_is_no_lasting_refusal_and_says_how_long",
            _GITHUB + "a_used_up_budget_of_graphql_says_how_long",
        ),
    ),
    Mutant(
        "a redirect is followed without its query",
        GITHUB_API,
        "if response.status in {202, 301}:",
        "if response.status == 202:",
        (_GITHUB + "a_repository_that_moved_is_neither_read_nor_written_there",),
    ),
    Mutant(
        "a tree that was cut short counts as whole",
        GITHUB,
        ' or answer.body.get("truncated") is not False',
        "",
        (_GITHUB + "a_tree_that_was_cut_short_shows_nothing_as_absent",),
    ),
    Mutant(
        "a defect in an adapter ends its thread",
        LOOKER,
        "except Exception as error:  # noqa: BLE001 - told by the watch",
        "except BehindUnavailable as error:",
        (_LOOKER + "test_a_defect_is_told_once_and_ends_the_looking",),
    ),
    Mutant(
        "a defect in the planning of looks ends the watch",
        LOOKER,
        "            return self._new()\n        except Exception as error:",
        "            return self._new()\n        except BehindUnavailable as error:",
        (_LOOKER + "test_a_defect_in_the_planning_is_told_once",),
    ),
    Mutant(
        "the end waits for a service that hangs",
        LOOKER,
        ", timeout=patience_seconds)",
        ")",
        (_LOOKER + "TestBadDays::test_a_service_that_hangs_does_not_hold_up_the_end",),
    ),
    Mutant(
        "an optional permission silences a service",
        LOOKER,
        "isinstance(error, BehindDenied) and not error.partly else None",
        "isinstance(error, BehindDenied) else None",
        (_LOOKER + "TestCustomResources::test_where_it_logs_may_be_denied",),
    ),
    Mutant(
        "a garbled answer of a service is a defect",
        "deploy_action/adapters/behind/asking.py",
        "garbage = (ResponseParserError, ",
        "garbage = (",
        (_LOOKER + "TestBadDays::test_garbage_is_survived[{}-rds]",),
    ),
    Mutant(
        "a service that throttles is not asked again",
        LOOKER,
        "        if isinstance(error, BehindUnavailable):\n",
        "        if isinstance(error, BehindUnavailable):\n            self._planner.never_again(service)\n",
        (_LOOKER + "TestBadDays::test_throttling_is_one_line_and_the_service_is_asked_again",),
    ),
    Mutant(
        "looks have no budget",
        BEHIND,
        " and COSTS[look.service] <= self._requests_left",
        "",
        (_BEHIND + "the_budget_ends",),
    ),
    Mutant(
        "a fact is told at every look",
        BEHIND,
        "        self._seen.update(identities)\n",
        "",
        (
            _BEHIND + "a_fact_is_new_once_by_its_key_and_once_by_its_words",
            _LOOKER
            + "TestEcs::test_tasks_that_cannot_start_are_told_while_the_service_is_in_progress_each_once",
        ),
    ),
    Mutant(
        "what services say is printed as it is",
        "deploy_action/render/log.py",
        "{log_text(finding.text, 800)}",
        "{finding.text}",
        (_BEHIND_STEPS + "hostile_text_is_harmless",),
    ),
    Mutant(
        "a cancelled job waits for services",
        "deploy_action/steps/deployment.py",
        "not outcome.good and not self.world.cancelled()",
        "not outcome.good",
        (_BEHIND_STEPS + "a_cancelled_job_has_no_time_to_ask",),
    ),
    Mutant(
        "failed runs teach how long a good one takes",
        PAST,
        "return [run for run in self.of(stack, kind) if run.good]",
        "return self.of(stack, kind)",
        (_ESTIMATE + "TestBefore::test_failed_deployments_teach_nothing",),
    ),
    Mutant(
        "a run that was rolled back remembers durations",
        RUNS_DONE,
        "steps = _steps(operation, root, Phase.DEPLOY) if good else ()",
        "steps = _steps(operation, root, Phase.DEPLOY)",
        (_LIVE + "TestRuns::test_a_rolled_back_run_has_a_rollback_and_no_durations",),
    ),
    Mutant(
        "an operation that was seen from its rollback on counts as whole",
        RUNS_DONE,
        "        and root.phase_at(root.started) is Phase.DEPLOY\n",
        "",
        (_LIVE + "TestRuns::test_half_an_operation_is_no_run",),
    ),
    Mutant(
        "the interval lies beside its middle",
        ESTIMATE,
        "low, mid, high = quantiles(",
        "mid, low, high = quantiles(",
        (_ESTIMATE + "test_an_interval_contains_its_middle_whatever_was_before",),
    ),
    Mutant(
        "a damaged history is overwritten",
        HISTORY,
        'raise _unreadable(f"it is not JSON ({error})") from error',
        "return {}, []",
        (_HISTORY + "a_damaged_history_is_never_overwritten_and_estimates_go_on",),
    ),
    Mutant(
        "a busy stack pushes out the memory of a quiet one",
        HISTORY,
        "for index in [*spare, *(",
        "for index in [*(",
        (_HISTORY + "a_quiet_stack_is_remembered_beside_a_busy_one",),
    ),
    Mutant(
        "what runs longer than usual is about to end",
        SPREAD,
        "(1.0 - share) * self._survival(after)",
        "1.0 - share",
        (
            _ESTIMATE + "TestSpread::test_what_is_long_overdue_is_expected_to_go_on",
            _LIVE + "TestRemaining::test_a_resource_past_its_usual_end_is_not_about_to_end",
            _LIVE + "TestRemaining::test_a_clean_up_that_goes_on_is_not_about_to_end",
        ),
    ),
    Mutant(
        "misses do not widen the next interval",
        ACCURACY,
        "COVERAGE - 1.0 if holds(estimate, seconds) else COVERAGE",
        "COVERAGE - 1.0 if holds(estimate, seconds) else 0.0",
        (
            _ESTIMATE + "TestAccuracy::test_misses_widen_and_hits_narrow_in_balance",
            _ESTIMATE + "TestAccuracy::test_the_next_interval_has_learned",
        ),
    ),
    Mutant(
        "what a killed coordinator has executed is begun anew",
        "deploy_action/steps/resuming.py",
        "if kept is not None and (token or",
        "if kept is not None and False and (token or",
        (
            _KILLED + "test_killed_while_it_asks_for_the_execution[it arrived]",
            _KILLED + "test_a_failure_while_nobody_watched_is_told_with_its_cause",
        ),
    ),
    Mutant(
        "the events are not asked what was executed",
        "deploy_action/steps/resuming.py",
        "state.execution, _token_of_ours(deployment)",
        'state.execution, ""',
        (_KILLED + "test_what_was_executed_is_found_although_it_was_not_written_down",),
    ),
    Mutant(
        "a change set that can still be deleted counts as executed",
        "deploy_action/engine/native.py",
        'return not (now.execution_status == "AVAILABLE" and self.discard(plan))',
        "return True",
        (_KILLED + "test_killed_while_it_asks_for_the_execution[it never left]",),
    ),
    Mutant(
        "a restarted watch repeats what was printed",
        "deploy_action/steps/main.py",
        "    teller.on_printed = folder.add_printed\n",
        "",
        (_KILLED + "test_a_watch_that_is_killed_goes_on_with_no_line_lost_or_repeated[200]",),
    ),
    Mutant(
        "an event counts as printed before it is",
        "deploy_action/steps/world.py",
        "            rendered = self._rendered(event, operation)\n",
        "            self.on_printed(event.event_id)\n"
        "            rendered = self._rendered(event, operation)\n",
        (_KILLED + "test_killed_in_the_middle_of_telling_events_repeats_none",),
    ),
    Mutant(
        "what began while nobody watched stands for what was watched",
        "deploy_action/steps/by_attaching.py",
        "if not first or first != known.get(ref.name):",
        "if False:",
        (_KILLED + "TestAttached::test_another_operation_says_nothing_of_the_first",),
    ),
    Mutant(
        "a status from before is taken for the end",
        "deploy_action/engine/by_status.py",
        " or now.changed_at <= self.changed_at",
        "",
        (_FIRE + "a_status_from_before_is_not_taken_for_the_end",),
    ),
    Mutant(
        "by status alone, anybody's end is ours",
        "deploy_action/engine/by_status.py",
        "if now.change_set_arn == self.arn:",
        "if self.arn:",
        (_FIRE + "what_somebody_did_since_does_not_stand_for_ours",),
    ),
    Mutant(
        "a deleted stack is a success to who sees its status only",
        "deploy_action/steps/seeing_through.py",
        "outcome = _unless_deleted(deployment, deployment.outcome_by_status(state))",
        "outcome = deployment.outcome_by_status(state)",
        (_FIRE + "a_stack_that_is_deleted_while_only_its_status_is_watched_is_a_failure",),
    ),
    Mutant(
        "any update on the stack is cancelled",
        "deploy_action/steps/seeing_through.py",
        "Watcher(deployment.cloudformation, baseline, token=execution.name)",
        "Watcher(deployment.cloudformation, baseline)",
        (_STOP + "somebody_elses_update_is_never_cancelled",),
    ),
    Mutant(
        "an update is cancelled without the lock",
        "deploy_action/steps/stopping.py",
        "    if not held:",
        "    if False:",
        (_STOP + "a_lock_that_was_lost_keeps_us_from_cancelling",),
    ),
    Mutant(
        "a time-out that rolled back is judged as if it had been in time",
        "deploy_action/steps/deployment.py",
        "        if undone:\n",
        "        if False:\n",
        (_STOP + "a_time_out_waits_for_the_roll_back_and_is_not_green",),
    ),
    Mutant(
        "progress forgets what was done before",
        PROGRESS,
        "self._done.add((event.stack_id, event.logical_id))",
        "self._done = {(event.stack_id, event.logical_id)}",
        (_PROGRESS + "it_never_runs_backwards", _PROGRESS + "it_counts_what_the_plan_counts"),
    ),
    Mutant(
        "more is done than there is",
        PROGRESS,
        "max(planned, len(self._done))",
        "planned",
        (_PROGRESS + "it_never_runs_backwards",),
    ),
    Mutant(
        "lines of a long reason are longer than the live log shows",
        LOG,
        'LOG_LINE_MAX - REASON_INDENT - len("└ ") - len(_RED + _RESET)',
        "LOG_LINE_MAX",
        (_REASONS + "no_line_is_cut_by_the_live_log_and_nothing_is_lost",),
    ),
    Mutant(
        "the last look reads only what is new",
        "deploy_action/engine/watcher.py",
        "whole = complete and len(self._watched) <= RESCAN_STACKS_MAX",
        "whole = False",
        (_WATCHER + "what_becomes_visible_behind_newer_events_is_told_at_the_end",),
    ),
    Mutant(
        "a last look that failed is the last",
        "deploy_action/engine/session.py",
        "clean = 0 if poll.errors or poll.events else clean + 1",
        "clean = 2",
        (_WATCHER + "last_looks_that_fail_are_repeated",),
    ),
    Mutant(
        "what becomes visible late begins the operation anew",
        "deploy_action/core/events.py",
        "begins = event.starts_operation and event.timestamp >= root.phase_began",
        "begins = event.starts_operation",
        (_WATCHER + "a_late_start_does_not_begin_anew_what_has_ended",),
    ),
    Mutant(
        "being throttled changes nothing",
        "deploy_action/engine/schedule.py",
        "self.rate = max(self.rate / 2, REQUESTS_PER_SECOND_MIN)",
        "pass",
        (_SCHEDULE + "being_throttled_halves_the_rate_and_it_comes_back",),
    ),
    Mutant(
        "a silence is trusted for ever",
        "deploy_action/core/pace.py",
        "sparse = min(max(BUSY_SECONDS, silent_seconds * SILENCE_SHARE), SPARSE_SECONDS_MAX)",
        "sparse = max(BUSY_SECONDS, silent_seconds * SILENCE_SHARE)",
        (
            _PACE + "the_longest_silence_is_read_rarely_but_read",
            _PACE + "whatever_happens_a_stack_is_looked_at_again_soon",
        ),
    ),
    Mutant(
        "a stall is told at every look",
        "deploy_action/core/stall.py",
        "            stalled.add(key)\n            if key not in alerted:\n",
        "            stalled.add(key)\n            if True:\n",
        (
            _STALL + "it_alerts_once_and_once_when_it_is_over",
            _EXPECTING + "a_stalled_resource_is_alerted_once_and_once_when_it_ends",
        ),
    ),
    Mutant(
        "whoever is silent is stalled, however long it usually takes",
        "deploy_action/core/stall.py",
        "return activity.seconds(now) > limit and silent",
        "return silent",
        (
            _STALL + "silence_that_ended_well_elsewhere_is_no_stall",
            _STALL + "published_averages_are_widened",
        ),
    ),
    Mutant(
        "a restarted watch repeats its alerts",
        "deploy_action/steps/deployment.py",
        "alerts=frozenset(self.state.alerts),",
        "alerts=frozenset(),",
        (_EXPECTING + "a_restarted_watch_repeats_no_alert",),
    ),
    Mutant(
        "a watch that begins midway takes the newest event for now",
        "deploy_action/engine/watcher.py",
        "            offsets.append(told - now - COARSE_SECONDS / 2)\n",
        "            pass\n",
        (_EXPECTING + "a_restarted_watch_repeats_no_alert",),
    ),
    Mutant(
        "what was found invalid is forgotten once it is cancelled",
        "deploy_action/core/causes.py",
        "if any(e.logical_id == event.logical_id and _CANCELLED.match(e.reason) for e in stack.failures)",
        "if False",
        ("tests/core/test_causes.py::test_what_was_found_invalid_and_then_cancelled_is_a_cause_of_its_own",),
    ),
    Mutant(
        "the registry's links lead anywhere",
        SLACK_PARTS,
        """return urlsplit(url)[:2] in (homes or {("https", "github.com")})""",
        "return True",
        (_SLACK + "TestTheParent::test_queued_behind_somebody_without_an_estimate",),
    ),
    Mutant(
        "a link may name another host before its own",
        SLACK_BLOCKS,
        """return bool(parts.hostname) and "@" not in parts.netloc""",
        "return bool(parts.hostname)",
        (_SLACK + "test_an_address_that_may_deceive_is_no_link[https://github.com@evil.example/x]",),
    ),
    Mutant(
        "whatever stands among the mentions is a mark",
        SLACK_BLOCKS,
        """return f"<!{identity}>" if identity in {"here", "channel"} else \"\"""",
        """return f"<!{identity}>\"""",
        (_SLACK + "TestEntries::test_a_mark_in_the_name_of_the_alarm_calls_nobody",),
    ),
    Mutant(
        "people are called for what needs nobody",
        SLACK_ENTRIES,
        "called = blocks.mentions(view.mentions) if moment.needs_somebody else None",
        "called = blocks.mentions(view.mentions)",
        (_SLACK + "test_nobody_is_called_by_what_needs_nobody",),
    ),
    Mutant(
        "names are markup in the small print",
        SLACK_BLOCKS,
        """elements.append({"type": "plain_text", "text": words, "emoji": False})""",
        """elements.append({"type": "mrkdwn", "text": words})""",
        (_SLACK + "TestPoisonedScenes::test_it_stays_harmless[progress-marks]",),
    ),
    Mutant(
        "names in Slack may turn the line around",
        SLACK_BLOCKS,
        "    words = one_line(text, limit)\n",
        "    words = text[:limit]\n",
        (_SLACK + "TestPoisonedScenes::test_it_stays_harmless[progress-control]",),
    ),
    Mutant(
        "a name's emoji passes for the verdict",
        ESCAPE,
        "    line = _without_shortcodes(one_line(text, limit))\n",
        "    line = one_line(text, limit)\n",
        (_SLACK + "test_an_emoji_in_a_name_is_no_sign_of_ours",),
    ),
    Mutant(
        "progress may follow the end",
        CHANNEL,
        "        if self.moment.final:\n            return self\n",
        "",
        (_CHANNEL + "nothing_follows_a_final_moment",),
    ),
    Mutant(
        "an unknown verdict is told as complete",
        CHANNEL_VIEWS,
        "Outcome.UNKNOWN: Moment.UNKNOWN,",
        "Outcome.UNKNOWN: Moment.COMPLETE,",
        (
            _CHANNEL + "each_outcome_has_a_final_moment_and_only_a_good_one_is_complete[Outcome.UNKNOWN]",
            _SLACK + "test_only_what_went_well_is_green[Outcome.UNKNOWN]",
        ),
    ),
    Mutant(
        "every output is shown in the channel",
        CHANNEL_VIEWS,
        "    for name in shown:\n",
        """    for name in ("*",):\n""",
        (_CHANNEL + "outputs_are_shown_by_name_and_in_the_order_asked_for",),
    ),
    Mutant(
        "a takeover while waiting shows as deploying",
        SLACK_WORDS,
        "return view.moment.waiting or (not view.moment.final and view.queue is not None)",
        "return view.moment.waiting",
        (_SLACK + "TestTheParent::test_a_takeover_while_waiting_leaves_it_in_the_queue",),
    ),
    Mutant(
        "a release that is out may get another image",
        "tools/release.py",
        """if self.git("show", f"{commit}:{DIGEST_FILE}").strip() != image:""",
        "if not image:",
        (_PUBLISH + "a_release_never_changes",),
    ),
    Mutant(
        "a repair of an older line moves the major tag back",
        "tools/release.py",
        "        if moves_major(version, tags):\n",
        "        if True:\n",
        (_PUBLISH + "a_repair_of_an_older_line_leaves_the_major_tag",),
    ),
    Mutant(
        "of two releases at once the later push wins",
        "tools/release.py",
        """push.append(f"--force-with-lease=refs/tags/{major}:{seen}")""",
        """push.append("--force")""",
        (_PUBLISH + "of_two_releases_at_once_the_second_pushes_nothing",),
    ),
    Mutant(
        "half of a release may be pushed",
        "tools/release.py",
        """["push", "--atomic", "--quiet"]""",
        """["push", "--quiet"]""",
        (_PUBLISH + "of_two_releases_at_once_the_second_pushes_nothing",),
    ),
    Mutant(
        "an unknown outcome is as expected",
        SUMMARY_TIMES,
        "if seconds is None or report.outcome is not Outcome.SUCCEEDED:",
        "if seconds is None:",
        (_SUMMARY + "an_unknown_outcome_is_held_against_nothing",),
    ),
    Mutant(
        "a commit from the history may be anything",
        "deploy_action/render/summary_changes.py",
        "if not (_COMMIT.fullmatch(now) and _COMMIT.fullmatch(then)):",
        "if not (now and then):",
        ("tests/render/test_summary.py::TestSinceLastTime::test_a_commit_that_is_none_makes_no_link[`x`]",),
    ),
    Mutant(
        "tables grow as they like",
        "deploy_action/render/summary_tables.py",
        "        if size > bytes_max:\n            break\n",
        "",
        (_SUMMARY + "long_tables_are_cut_and_say_so",),
    ),
    Mutant(
        "a page that is too long is written all the same",
        "deploy_action/render/summary.py",
        "> bytes_max and len(sections) > 1",
        "> 10 * bytes_max and len(sections) > 1",
        (_SUMMARY + "of_a_page_that_would_be_too_long_the_beginning_is_kept",),
    ),
    Mutant(
        "a short failure is left out of the chart",
        "deploy_action/render/gantt.py",
        "key=lambda bar: (_failed(bar), bar.seconds(end))",
        "key=lambda bar: bar.seconds(end)",
        ("tests/render/test_gantt.py::test_what_failed_is_drawn_however_short_it_was",),
    ),
    Mutant(
        "what a failed one did not come to counts as removed",
        "deploy_action/core/comparison.py",
        "if whole and run.good else []",
        "if whole else []",
        (_COMPARED + "what_a_failed_one_did_not_come_to_is_not_missing",),
    ),
    Mutant(
        "it is compared with one that failed",
        "deploy_action/core/comparison.py",
        "if one.good and one.stack == run.stack",
        "if one.stack == run.stack",
        (_COMPARED + "the_newest_good_one_counts_not_one_that_failed_nor_one_of_another_kind",),
    ),
    Mutant(
        "names from outside end the script that holds the dashboard's data",
        DASHBOARD_DATA,
        'return text.replace("<", ',
        'return text.replace("<<", ',
        (_DASHBOARD + "no_text_from_outside_ends_the_data_or_becomes_markup",),
    ),
    Mutant(
        "whatever a record calls an address becomes a link",
        DASHBOARD_DATA,
        "if not _ADDRESS.fullmatch(url):",
        "if not url:",
        (_DASHBOARD + "only_addresses_of_the_web_become_links",),
    ),
    Mutant(
        "the dashboard may load from anywhere",
        "deploy_action/render/dashboard.py",
        "default-src 'none'; ",
        "",
        (_DASHBOARD + "the_policy_allows_what_the_page_holds_and_nothing_else",),
    ),
    Mutant(
        "an outcome that is not known counts as a success",
        "deploy_action/core/timeline.py",
        'return found if found in GOOD | BAD | OTHERS else "unknown"',
        'return found if found in GOOD | BAD | OTHERS else "succeeded"',
        (
            "tests/core/test_timeline.py::test_an_unheard_of_outcome_is_never_good",
            "tests/core/test_metrics.py::test_only_verdicts_count_for_the_failure_rate",
        ),
    ),
    Mutant(
        "a failure of several stacks is over when one of them is good again",
        "deploy_action/core/restores.py",
        "if not left[name]:",
        "if True:",
        ("tests/core/test_restores.py::test_all_stacks_have_to_be_good_again",),
    ),
    Mutant(
        "what is damaged is left out of the dashboard without a word",
        "deploy_action/core/archive.py",
        "return [*damaged, *(_sentence(one) for one in timeline.unread)]",
        "return []",
        (
            "tests/core/test_timeline.py::test_what_is_damaged_is_told",
            "tests/cli/test_dashboard.py::test_a_damaged_history_is_told_and_the_rest_is_shown",
        ),
    ),
    Mutant(
        "a defect in the comparison ends the watch",
        "deploy_action/steps/deployment.py",
        """optional(self.teller, "The comparison with earlier ones", lambda: self._compare(operation))""",
        "self._compare(operation)",
        ("tests/steps/test_summary.py::test_a_defect_in_the_comparison_is_told_and_costs_nothing_else",),
    ),
    Mutant(
        "a lock of a run is open to every run",
        BORROWING,
        "bool(self.url) and other.url == self.url)",
        "bool(self.url))",
        (
            _BORROWING + "a_lock_of_a_run_is_open_to_its_attempt_only",
            _HALVES + "another_attempt_and_another_run_do_not_deploy_under_the_lock_of_a_run",
        ),
    ),
    Mutant(
        "a deployment waits for a lock while its job holds another",
        BORROWING,
        "            if ticket.shares_lock_with(other):",
        "            if False:",
        (_BORROWING + "more_locks_than_are_held_are_refused",),
    ),
    Mutant(
        "a lock that was taken over is asked for anew in the middle of a job",
        BORROWING,
        "            if line.outcome in {ABANDONED, FORCED}:",
        "            if False:",
        (
            _BORROWING + "a_lock_that_was_taken_away_is_told_as_lost",
            _HALVES + "a_lock_that_was_taken_over_is_not_deployed_under",
        ),
    ),
    Mutant(
        "nobody looks at what is deployed under a borrowed lock",
        BORROWING,
        "(*lender.stacks, *ticket.stacks)",
        "lender.stacks",
        (_BORROWING + "what_is_deployed_under_it_is_looked_at_before_a_takeover",),
    ),
    Mutant(
        "a deployment gives back what its job holds",
        "deploy_action/steps/post.py",
        "    if state.borrowed:",
        "    if False:",
        (_HALVES + "a_deployment_in_the_same_job_goes_on_under_the_lock_and_leaves_it_held",),
    ),
    Mutant(
        "a keeper outlives its job",
        "deploy_action/steps/halves.py",
        "wiring.runs.life(state.ticket) is JobLife.COMPLETED",
        "wiring.runs.life(state.ticket) is None",
        (_HALVES + "a_keeper_that_outlives_its_job_ends_when_github_says_so",),
    ),
    Mutant(
        "the end of a job frees what its run holds",
        "deploy_action/steps/halves.py",
        "    if settings.hold is Hold.RUN and taken.exit_code == 0:",
        "    if False:",
        (_HALVES + "a_lock_of_the_run_is_deployed_under_and_given_back_in_other_jobs",),
    ),
    Mutant(
        "a lock that is released forgets what is in progress",
        "deploy_action/steps/halves.py",
        "if client.release(outcome=outcome, settling=settling):",
        "if client.release(outcome=outcome):",
        (_HALVES + "what_is_still_in_progress_at_the_release_is_left_to_the_next_to_wait_for",),
    ),
    Mutant(
        "a message overtakes one that failed",
        OUTBOX,
        "            heads.setdefault(entry.stream, entry)",
        "            heads[entry.stream] = entry",
        (
            _OUTBOX + "TestOrder::test_one_that_fails_keeps_those_behind_it_back",
            _COURIER + "TestAllIsWell::test_a_second_passes_between_messages_of_one_channel",
        ),
    ),
    Mutant(
        "replies are sent before there is a message",
        OUTBOX,
        "and not (entry.kind.in_thread and not box.ts):",
        "and entry:",
        (_OUTBOX + "TestOrder::test_replies_wait_for_the_message_that_they_belong_to",),
    ),
    Mutant(
        "a late word follows the last one",
        OUTBOX,
        "    if box.finished and not entry.final:\n        return box\n",
        "",
        (
            _OUTBOX + "TestFinality::test_nothing_passing_is_accepted_after_the_end",
            _COURIER + "TestSlackIsBack::test_a_late_word_never_follows_the_last_one",
        ),
    ),
    Mutant(
        "older states of the message are sent after newer ones",
        OUTBOX,
        "        pending = tuple(one for one in box.pending if one.kind is not Kind.PARENT)\n        dead",
        "        pending = box.pending\n        dead",
        (_OUTBOX + "TestOrder::test_the_newest_state_goes_first_and_takes_the_place_of_older_ones",),
    ),
    Mutant(
        "a message is tried for ever",
        OUTBOX,
        "trouble.permanent or tried.tries > len(RETRY_SECONDS)",
        "trouble.permanent",
        (_COURIER + "TestRetries::test_after_5_10_20_40_and_80_seconds_and_then_no_more",),
    ),
    Mutant(
        "what Slack asks to wait is not waited",
        OUTBOX,
        "    asked = min(trouble.retry_seconds or 0.0, RETRY_AFTER_SECONDS_MAX)",
        "    asked = 0.0",
        (
            _OUTBOX + "TestRetries::test_slack_may_ask_for_a_longer_pause[30.0-30.0]",
            _COURIER + "TestRetries::test_slack_says_how_long_to_wait",
        ),
    ),
    Mutant(
        "a hurry does not wait for what Slack asked",
        OUTBOX,
        "replace(lane, due=lane.not_before)",
        "replace(lane, due=0.0)",
        (_COURIER + "TestRetries::test_slack_says_how_long_to_wait",),
    ),
    Mutant(
        "what may have been posted is posted again",
        COURIER,
        "        if entry.doubtful and self._found(entry):\n            return\n",
        "",
        (
            _COURIER + "TestWhatMayHaveBeenPosted::test_a_message_is_looked_for_before_it_is_posted_again",
            _COURIER + "TestWhatMayHaveBeenPosted::test_a_reply_too",
            _COURIER + "TestWhatMayHaveBeenPosted::test_a_kill_in_the_middle_of_a_request_repeats_nothing",
            _LEFT + "what_somebody_died_with_is_looked_up_before_it_is_sent_again",
        ),
    ),
    Mutant(
        "what was begun when the process died counts as not sent",
        OUTBOX,
        "        return replace(entry, begun=False, doubtful=True, unheard=entry.unheard + 1) if entry.begun",
        "        return replace(entry, begun=False) if entry.begun",
        (
            _OUTBOX + "TestWhatMayHaveBeenPosted::test_a_begun_request_whose_end_is_unknown_is_doubtful",
            _COURIER + "TestWhatMayHaveBeenPosted::test_a_kill_in_the_middle_of_a_request_repeats_nothing",
        ),
    ),
    Mutant(
        "doubt is lost with the state that had it",
        OUTBOX,
        "        doubtful=doubtful,\n",
        "",
        (_COURIER + "TestWhatMayHaveBeenPosted::test_the_newest_state_is_shown_by_what_was_found",),
    ),
    Mutant(
        "where nobody may look it is repeated for ever",
        COURIER,
        "            if entry.unheard > UNHEARD_MAX:",
        "            if entry.unheard > 99:",
        (
            _COURIER
            + "TestWhatMayHaveBeenPosted::test_where_nobody_may_look_it_is_repeated_once_and_that_is_told",
        ),
    ),
    Mutant(
        "what nobody can look for is posted with every state",
        OUTBOX,
        "for one in (*box.pending, *given_up) if",
        "for one in box.pending if",
        (_COURIER + "TestWhatMayHaveBeenPosted::test_where_nobody_may_look_not_every_state_is_new",),
    ),
    Mutant(
        "a stack that stalls rings for each resource",
        OUTBOX,
        "len(entries) >= CROWD or",
        "False or",
        (_OUTBOX + "TestFolding::test_a_crowd_is_told_as_one_at_once",),
    ),
    Mutant(
        "a stall of yesterday is told as one of now",
        OUTBOX,
        "len(entries) > 1 or (box.finished and not entries[0].lines)",
        "len(entries) > 1",
        (_OUTBOX + "TestFolding::test_after_the_end_a_single_one_is_told_as_something_of_the_past",),
    ),
    Mutant(
        "what may not be changed is posted with every state",
        OUTBOX,
        "    if ended or box.lost <= LOST_MAX:\n",
        "    if True:\n",
        (_COURIER + "TestRetries::test_a_message_that_may_not_be_changed_is_not_posted_with_every_state",),
    ),
    Mutant(
        "a dead channel is asked again for each message",
        COURIER,
        "        if trouble.all_of_channel:\n",
        "        if False:\n",
        (_COURIER + "TestRetries::test_what_will_not_change_by_itself_is_dead_at_once_and_asked_once",),
    ),
    Mutant(
        "the deployment waits for Slack",
        WORKER,
        "        self._news.set()\n",
        "        self._thread.join(5.0)\n",
        ("tests/engine/test_outbox_worker.py::test_nobody_waits_for_a_silent_slack",),
    ),
    Mutant(
        "the last look waits for a silent Slack",
        WORKER,
        "(left := end - time.monotonic()) > 0",
        "(left := end - time.monotonic()) > -60",
        ("tests/engine/test_outbox_worker.py::test_the_end_waits_no_longer_than_it_was_told_to",),
    ),
    Mutant(
        "a step is not kept before it is done",
        JOURNAL,
        "            if file.write(line) != len(line):",
        "            if False:",
        (_JOURNAL + "everything_comes_back",),
    ),
    Mutant(
        "two drainers send the same message",
        LEFTOVERS,
        "        return not self.taken_by or abs",
        "        return True or abs",
        (_LEFT + "whoever_comes_second_finds_it_taken",),
    ),
    Mutant(
        "messages are told into another's workspace",
        LEFTOVERS,
        "self.token == left.token or self.repository == left.repository",
        "True",
        (_LEFT + "another_repository_s_messages_are_not_told_into_another_workspace",),
    ),
    Mutant(
        "a token that is refused kills what others left",
        DRAINING,
        "            if courier.token_refused:  #",
        "            if False:  #",
        (_LEFT + "a_token_that_is_refused_says_nothing_about_the_messages",),
    ),
    Mutant(
        "post waits for a Slack that dribbles",
        DRAINING,
        "work.join(seconds + GRACE_SECONDS)",
        "work.join()",
        (_LEFT + "an_answer_that_comes_byte_by_byte_holds_nobody_up",),
    ),
    Mutant(
        "the oldest deployment's end makes room for looks",
        LEFTOVERS,
        "        if looks:\n",
        "        if False:\n",
        (_LEFT + "the_looks_go_before_the_words",),
    ),
    Mutant(
        "a half-written line is taken for a whole one",
        JOURNAL,
        "if file.write(line) != len(line):",
        "if file.write(line) < 0:",
        (_JOURNAL + "a_disk_that_takes_half_a_line_is_full",),
    ),
    Mutant(
        "the webhook's address is written down",
        LEFTOVERS,
        "hashlib.sha256(secret.encode()).hexdigest()[:12] if secret",
        "secret if secret",
        (_LEFT + "a_message_for_one_webhook_is_not_told_through_another",),
    ),
    Mutant(
        "a silenced failure leaves the message untrue",
        ROUTING,
        "(off and moment in _PHASES)",
        "off",
        (_ROUTING + "events_can_go_elsewhere",),
    ),
    Mutant(
        "strict goes on with what is certain to fail",
        PREFLIGHT_STEP,
        "        if blocking:\n",
        "        if False:\n",
        (_PREFLIGHT + "TestItself::test_strict_stops_before_the_lock_with_its_own_exit_code",),
    ),
    Mutant(
        "warn stops",
        PREFLIGHT_STEP,
        "        if self._settings.preflight is not PreflightMode.STRICT:\n",
        "        if False:\n",
        (_PREFLIGHT + "TestItself::test_warn_goes_on_whatever_is_found",),
    ),
    Mutant(
        "a denied check stops",
        FINDING,
        """    "check-denied": Kind(\n        _N,""",
        """    "check-denied": Kind(\n        _B,""",
        (
            _PREFLIGHT + "TestItself::test_strict_goes_on_where_checks_are_denied",
            _PREFLIGHT + "TestReferences::test_a_denial_is_a_note",
            _PREFLIGHT + "TestQuotas::test_a_denial_never_stops",
        ),
    ),
    Mutant(
        "a command that may know a way out is stopped",
        PREFLIGHT_STEP,
        "return found if self._settings.mode is Mode.TEMPLATE else softened(found)",
        "return found",
        (_PREFLIGHT + "TestItself::test_what_a_command_may_know_a_way_out_of_is_a_warning",),
    ),
    Mutant(
        "a check that hangs holds the deployment up",
        PREFLIGHT_ENGINE,
        "self._changed.wait_for(lambda: not self._running, max(0.0, seconds))",
        "self._changed.wait_for(lambda: not self._running)",
        ("tests/engine/test_preflight.py::test_what_hangs_holds_up_nothing_and_is_told_at_the_end",),
    ),
    Mutant(
        "a check that breaks is nobody's",
        PREFLIGHT_ENGINE,
        """self._add(number, _unanswered(check, f"{type(error).__name__}"))""",
        "pass",
        ("tests/engine/test_preflight.py::test_what_breaks_is_a_note[error1]",),
    ),
    Mutant(
        "cleanup does it without being told to",
        CLEANUP_COMMAND,
        "    if not yes:\n        _show(left, steps)\n        return NOT_FOUND\n",
        "",
        (_CLEANING + "TestARolledBackStack::test_without_yes_nothing_is_changed",),
    ),
    Mutant(
        "cleanup reaches into a live deployment",
        CLEANUP_COMMAND,
        "    if not despite_lock:\n",
        "    if False:\n",
        (
            _CLEANING + "TestTheLock::test_a_stack_whose_lock_is_held_is_left_alone",
            _CLEANING + "TestTheLock::test_so_is_one_of_which_nobody_knows",
        ),
    ),
    Mutant(
        "cleanup takes any end for a good one",
        CLEANUP_ENGINE,
        "    if end.status not in GOOD_ENDS[step.deed]:\n",
        "    if False:\n",
        (
            _CLEANING + "TestARolledBackStack::test_a_deletion_that_fails_is_told_and_no_success",
            _CLEANING + "TestAFailedRollback::test_to_go_on_alone_fails_again_here",
        ),
    ),
    Mutant(
        "what was there before a creation failed is offered for deletion",
        CLEANUP,
        'one.status == "CREATE_COMPLETE"',
        'one.action == "CREATE"',
        ("tests/core/test_cleanup.py::test_what_was_there_before_is_none",),
    ),
    Mutant(
        "cleanup deletes a stack that is not what it was",
        CLEANUP_ENGINE,
        "    if now is None or (now.stack_id, now.status) != (step.stack_id, status):\n",
        "    if False:\n",
        ("tests/engine/test_cleanup.py::test_a_stack_that_is_not_what_it_was_is_left_alone",),
    ),
    Mutant(
        "what was cancelled may be skipped",
        CLEANUP,
        """ and "cancel" not in activity.reason.lower()""",
        "",
        ("tests/core/test_cleanup.py::test_what_was_cancelled_cannot_be_left_out",),
    ),
    Mutant(
        "what is collected is remembered twice",
        HISTORY,
        "[one for one in records if not _is_known(one, remembered)]",
        "list(records)",
        (_HISTORY + "what_is_seeded_is_never_remembered_twice",),
    ),
    Mutant(
        "what is collected counts as newer than what is remembered",
        HISTORY,
        "if not _is_known(one, remembered)], older=True)",
        "if not _is_known(one, remembered)])",
        (_COLLECT + "what_it_finds_stands_before_what_is_remembered",),
    ),
    Mutant(
        "collecting asks without end",
        "deploy_action/engine/collect.py",
        "        return self.left >= 0\n",
        "        return True\n",
        (_COLLECT + "its_requests_are_bounded_and_it_pauses_between_them",),
    ),
    Mutant(
        "an estimate does not know what ended while it waited",
        "deploy_action/steps/expecting.py",
        " and not state.report.waited_for\n",
        "\n",
        ("tests/steps/test_foresight.py::TestForThoseWhoWait::test_a_waiter_is_told_how_long_at_most",),
    ),
    Mutant(
        "who comes back to the queue keeps its old end",
        LOCK,
        "expected_end=_expected_end(document, ticket, at, expected_seconds),",
        "expected_end=ticket.expected_end or _expected_end(document, ticket, at, expected_seconds),",
        (_LOCK + "who_comes_back_to_the_queue_does_not_keep_its_old_end",),
    ),
    Mutant(
        "what a holder has left is told by comparing clocks",
        OTHERS,
        "whole - (self._clock.monotonic() - seen)",
        "whole - (self._clock.now() - seen)",
        (
            "tests/engine/test_others.py::test_what_is_left_is_told_by_the_own_clock_whatever_the_holders_says",
        ),
    ),
    Mutant(
        "a template's aliases are unfolded without end",
        TEMPLATE_FILE,
        "        if total > NODES_MAX:\n",
        "        if False:\n",
        ("tests/test_template_file.py::test_a_bomb_of_aliases_is_not_unfolded",),
    ),
    Mutant(
        "a template may be nested without end",
        TEMPLATE_FILE,
        "        if len(open_parts) > DEPTH_MAX:\n",
        "        if False:\n",
        ("tests/test_template_file.py::test_nesting_is_bounded",),
    ),
    Mutant(
        "trouble with the environments page ends a deployment",
        PAGE,
        "found = optional(teller, WHAT, lambda: creation.result(PATIENCE_SECONDS))",
        "found = creation.result(PATIENCE_SECONDS)",
        (_PAGE + "whatever_goes_wrong_is_a_note",),
    ),
    Mutant(
        "a job that GitHub shows by itself is shown twice",
        "deploy_action/adapters/github_deployments.py",
        """if any(f"/actions/runs/{run_id}/job" in link for link in links):""",
        "if not links:",
        (_PAGE + "a_job_that_github_shows_by_itself_is_not_shown_twice",),
    ),
    Mutant(
        "the environments page shows green what nobody knows",
        PAGE,
        """Outcome.UNKNOWN: "error",""",
        """Outcome.UNKNOWN: "success",""",
        (_PAGE + "a_job_that_was_killed_is_no_success",),
    ),
    Mutant(
        "a forged leftover is told wherever it says",
        "deploy_action/engine/leftovers.py",
        "        if not self.channels or self.webhook:\n",
        "        if True:\n",
        (
            _LEFT + "a_deployment_tells_nothing_outside_of_its_own_channels[its message]",
            _LEFT + "a_deployment_tells_nothing_outside_of_its_own_channels[what failed]",
        ),
    ),
)
