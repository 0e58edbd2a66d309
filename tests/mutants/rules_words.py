"""What a registry, a redirect or a command says is believed no further than it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import HTTPRedirectHandler

from deploy_action.common import escape
from deploy_action.common.masks import Masks
from deploy_action.slack import retry_queue_delivery as draining
from deploy_action.slack.api import strict
from tests.jobs import test_command_words
from tests.mutants.mutant import Case, killed_by
from tests.reporting import test_hostile_corpus
from tests.slack import test_api as test_slack
from tests.slack import test_retry_queue as test_leftovers

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_leftovers.test_only_a_message_with_our_own_mark_is_changed)
def whatever_message_the_registry_names_is_changed(patch: Patch) -> None:
    patch.function(draining._proven, lambda original, box, messenger: box)


@killed_by(Case(test_slack.test_a_token_does_not_follow_a_redirect, "token-302"))
def a_token_follows_a_redirect(patch: Patch) -> None:
    def follow(_original: object, handler: HTTPRedirectHandler, *arguments: Any) -> object:
        return HTTPRedirectHandler.redirect_request(handler, *arguments)

    patch.function(strict._NoRedirect.redirect_request, follow)


@killed_by(test_slack.test_nothing_is_sent_unencrypted_but_to_this_machine)
def a_token_goes_out_unencrypted(patch: Patch) -> None:
    patch.function(strict._is_this_machine, lambda original, host: True)


@killed_by(test_command_words.test_secrets_are_hidden_where_the_command_is_quoted)
def a_command_is_quoted_with_its_secrets(patch: Patch) -> None:
    patch.function(Masks.hide, lambda original, self, text: text)


@killed_by(Case(test_hostile_corpus.test_hostile_strings_do_nothing_and_are_read, "JSON"))
def json_for_machines_holds_workflow_commands(patch: Patch) -> None:
    patch.function(escape.machine_json, lambda original, text: text)
