"""Text from outside stays text, wherever it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.render import dashboard_data, escape, links, summary_changes
from deploy_action.render.slack import blocks, parts
from tests.mutants.mutant import Case, killed_by
from tests.render import test_dashboard, test_escape, test_slack_messages, test_summary
from tests.steps import test_behind

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

LOG = test_escape.TestTheLog


@killed_by(LOG.test_no_command_is_recognised_wherever_the_text_stands)
def a_workflow_command_in_the_log_survives(patch: Patch) -> None:
    patch.function(escape._inert, lambda original, line: line)


@killed_by(LOG.test_the_rest_of_a_torn_line_is_no_command)
def only_the_beginning_of_a_line_is_watched(patch: Patch) -> None:
    patch.constant(escape, "_COMMAND", re.compile(r"(?!)"))


@killed_by(test_behind.test_hostile_text_is_harmless)
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
    patch.constant(dashboard_data, "_ADDRESS", re.compile(r".+", re.DOTALL))


@killed_by(Case(test_summary.TestSinceLastTime.test_a_commit_that_is_none_makes_no_link, "`x`"))
def a_commit_from_the_history_may_be_anything(patch: Patch) -> None:
    patch.constant(summary_changes, "_COMMIT", re.compile(r".+"))
