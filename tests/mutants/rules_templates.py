"""Templates in S3 and protection of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deploy_action.cloudformation import template_rewrite
from deploy_action.cloudformation.template_store import TemplateStore
from deploy_action.deploy import stack_settings
from deploy_action.deploy import template as by_template
from deploy_action.errors import DeploymentFailed
from deploy_action.inputs.template import TemplateFields
from tests.cloudformation import test_template_tree
from tests.jobs import test_template_options, test_template_upload
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_template_upload.test_an_object_of_other_content_under_that_name_is_replaced)
def a_name_proves_the_content(patch: Patch) -> None:
    def trusting(original: Any, self: Any, key: str, content: bytes) -> bool:
        try:
            self._client().head_object(Bucket=self._bucket, Key=key)
        except ClientError:
            return bool(original(self, key, content))
        return False

    patch.function(TemplateStore.put, trusting)


@killed_by(test_template_upload.test_without_a_bucket_it_is_told_before_anything_is_locked)
def a_template_without_a_bucket_is_found_out_late(patch: Patch) -> None:
    patch.function(TemplateFields._without_bucket, lambda original, self, tree: [])


@killed_by(test_template_tree.test_a_name_that_others_share_is_refused)
def a_rewritten_template_is_not_read_again(patch: Patch) -> None:
    def unchecked(original: Any, text: str, new: Any) -> str:
        return template_rewrite._spliced(text, new)

    patch.function(template_rewrite.with_texts, unchecked)


@killed_by(test_template_options.TestProtection.test_an_existing_stack_has_its_policy_before_it_is_changed)
def a_policy_is_set_after_the_update(patch: Patch) -> None:
    patch.function(by_template._set_before, lambda original, *arguments: None)


@killed_by(
    test_template_options.TestProtection.test_a_new_stack_without_the_protection_that_was_asked_for_is_not_green
)
def a_stack_without_its_protection_is_green(patch: Patch) -> None:
    def quiet(original: Any, deployment: Any) -> None:
        try:
            original(deployment)
        except DeploymentFailed:
            deployment.reporter.note("not protected")

    patch.function(stack_settings.set_after, quiet)
