"""Certificates: what one client is told to trust, all do; what is of no use breaks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.common import proxy_variables
from deploy_action.common import trusted_certificates as trust
from tests.common import test_proxy_variables
from tests.common import test_trusted_certificates as test_trust
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_trust.test_a_damaged_certificate_costs_its_neighbours_nothing)
def damaged_certificates_get_into_the_bundle(patch: Patch) -> None:
    def unchecked(original: Any, path: Any, known: Any) -> Any:
        return list(trust._certificates(path))

    patch.function(trust._usable, unchecked)


@killed_by(test_trust.test_what_is_named_and_of_no_use_is_told)
def what_is_of_no_use_is_not_told(patch: Patch) -> None:
    def silent(original: Any, path: Any, known: Any) -> Any:
        try:
            return original(path, known)
        except (OSError, ValueError):
            return []

    patch.function(trust._usable, silent)


@killed_by(test_trust.test_the_form_is_taken_out_of_a_context)
def an_authority_s_form_counts_as_a_newer_python_says(patch: Patch) -> None:
    patch.function(trust.without_strict_form, lambda _original, context: context)


@killed_by(Case(test_proxy_variables.test_what_is_changed, "given4-changed4"))
def each_client_reads_the_proxy_by_its_own_rule(patch: Patch) -> None:
    patch.function(proxy_variables.in_order, lambda _original, _environ: {})
