"""Text from outside stays text, wherever it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.common import escape, links, masks
from deploy_action.dashboard import page_data as dashboard_data
from deploy_action.dashboard import sections
from deploy_action.reporting.summary import changes as summary_changes
from deploy_action.slack.messages import blocks, parts
from tests import test_masks_come_first
from tests.common import test_escape
from tests.dashboard import test_page as test_dashboard
from tests.jobs import test_diagnose_services
from tests.mutants.mutant import Case, killed_by
from tests.reporting import test_hostile_corpus
from tests.reporting import test_page as test_summary
from tests.slack import test_slack_messages

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

LOG = test_escape.TestTheLog


@killed_by(LOG.test_no_command_is_recognised_wherever_the_text_stands)
def a_workflow_command_in_the_log_survives(patch: Patch) -> None:
    patch.function(escape._inert, lambda original, line: line)


@killed_by(LOG.test_the_rest_of_a_torn_line_is_no_command)
def only_the_beginning_of_a_line_is_watched(patch: Patch) -> None:
    patch.constant(escape, "_COMMAND", re.compile(r"(?!)"))


@killed_by(test_diagnose_services.test_hostile_text_is_harmless)
def what_services_say_is_printed_as_it_is(patch: Patch) -> None:
    patch.function(escape.log_text, lambda original, text, limit=0: text)


@killed_by(test_slack_messages.TestTheParent.test_queued_behind_somebody_without_an_estimate)
def the_registrys_links_lead_anywhere(patch: Patch) -> None:
    patch.function(parts._ours, lambda original, *arguments: True)


@killed_by(
    Case(test_slack_messages.test_an_address_that_may_deceive_is_no_link, "https://github.com@evil.example/x")
)
def an_address_may_deceive(patch: Patch) -> None:
    patch.function(links.openable, lambda original, url: True)


@killed_by(test_slack_messages.TestEntries.test_a_mark_in_the_name_of_the_alarm_calls_nobody)
def whatever_stands_among_the_mentions_is_a_mark(patch: Patch) -> None:
    patch.function(blocks._mention, lambda original, identity: original(identity) or f"<!{identity}>")


@killed_by(
    Case(test_slack_messages.TestPoisonedScenes.test_it_stays_harmless, "progress-control"),
    test_slack_messages.test_an_emoji_in_a_name_is_no_sign_of_ours,
)
def names_in_slack_are_shown_as_they_are(patch: Patch) -> None:
    patch.function(escape.one_line, lambda original, text, limit=10**6: text[:limit])
    patch.function(escape.slack_plain, lambda original, text, limit: text[:limit])


@killed_by(test_dashboard.test_no_text_from_outside_ends_the_data_or_becomes_markup)
def names_end_the_script_that_holds_the_dashboards_data(patch: Patch) -> None:
    patch.function(
        dashboard_data.script_json, lambda original, value: original(value).replace("\\u003c", "<")
    )


@killed_by(test_dashboard.test_only_addresses_of_the_web_become_links)
def whatever_a_record_calls_an_address_becomes_a_link(patch: Patch) -> None:
    patch.constant(sections, "_ADDRESS", re.compile(r".+", re.DOTALL))


@killed_by(Case(test_summary.TestSinceLastTime.test_a_commit_that_is_none_makes_no_link, "`x`"))
def a_commit_from_the_history_may_be_anything(patch: Patch) -> None:
    patch.constant(summary_changes, "_COMMIT", re.compile(r".+"))


@killed_by(
    Case(
        test_summary.test_links_out_of_the_registry_lead_to_our_own_server_alone,
        "https://evil.example/a/b/actions/runs/9",
    )
)
def the_registrys_links_in_the_summary_lead_anywhere(patch: Patch) -> None:
    patch.function(links.leads_home, lambda original, url, homes: links.openable(url))


@killed_by(
    test_escape.TestMarkdown.test_nobody_is_mentioned_and_nothing_referenced,
    test_escape.TestSlack.test_bare_words_do_nothing_either,
)
def bare_words_act(patch: Patch) -> None:
    patch.function(escape._harmless, lambda original, word, acts, as_text, as_code: as_text(word))


@killed_by(Case(test_hostile_corpus.test_hostile_strings_do_nothing_and_are_read, "commands"))
def json_is_printed_as_the_registry_has_it(patch: Patch) -> None:
    patch.function(escape.machine_json, lambda original, text: text)


@killed_by(Case(test_hostile_corpus.test_hostile_strings_do_nothing_and_are_read, "commits"))
def commits_mention_people(patch: Patch) -> None:
    patch.function(escape.commit_message, lambda original, text, limit=200: escape.one_line(text, limit))


@killed_by(
    Case(test_masks_come_first.test_what_looks_like_a_credential_is_masked_wherever_it_stands, "no JSON")
)
def wrong_inputs_are_not_masked(patch: Patch) -> None:
    patch.function(masks.shapes_in, lambda original, text: [])
