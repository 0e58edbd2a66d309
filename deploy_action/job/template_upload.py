"""Uploads templates that CloudFormation reads from S3 only: large templates, and nested ones of the
workspace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.cloudformation.template_store import TemplateStore
from deploy_action.cloudformation.template_tree import BODY_BYTES_MAX, packaged
from deploy_action.errors import CannotStart, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.template_tree import StoredTemplate
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.wiring import Wiring


def uploaded(
    job: JobContext, wiring: Wiring, settings: Settings, *, alive: Callable[[], None] = lambda: None
) -> Settings:
    """The settings with the template as CloudFormation gets it. An object is named by its content, so that to
    put it again changes nothing, and who waits for the lock meanwhile keeps what it has put.

    Raises CannotStart where S3 refuses, StackSourceError where it gives no answer, Cancelled, and what
    `alive` raises.
    """
    tree, bucket = settings.template_tree, settings.template_bucket
    if tree is None or bucket is None:
        return settings
    if not tree.children and len(tree.text.encode()) <= BODY_BYTES_MAX:
        return settings
    store = TemplateStore(wiring.aws, bucket.name, settings.region)

    def placed(key: str) -> str:
        return "/".join(part for part in (bucket.prefix, key) if part)

    def put(one: StoredTemplate) -> bool:
        key = placed(one.key)
        try:
            return retry_while_unavailable(
                lambda: store.put(key, one.content),
                job.clock,
                cancelled=job.cancelled,
                alive=alive,
                tell=job.reporter.line,
            )
        except StackSourceError as error:
            raise _refused(f"`{one.name}` could not be put into s3://{bucket.name}/{key}", error) from error

    try:
        package = retry_while_unavailable(
            lambda: packaged(tree, lambda key: store.url(placed(key))),
            job.clock,
            cancelled=job.cancelled,
            alive=alive,
            tell=job.reporter.line,
        )
    except StackSourceError as error:
        raise _refused(f"The bucket `{bucket.name}` of `s3-bucket` cannot be used", error) from error
    for one in package.objects:
        if put(one):
            size = len(one.content)
            where = f"s3://{bucket.name}/{placed(one.key)}"
            job.reporter.line(f"Uploaded {one.name} ({size:,} bytes) to {where}.")
    url = store.url(placed(package.root.key)) if package.root is not None else ""
    return replace(settings, template_body=package.text, template_url=url)


def _refused(what: str, error: StackSourceError) -> CannotStart | StackSourceError:
    """A refusal is one for good; no answer may be one later."""
    if error.temporary:
        return error
    missing = (
        "Look at the bucket's name and account, and at the role's `s3:PutObject` and `s3:GetObject` there."
    )
    remedy = error.remedy if error.remedy and not error.denied else missing
    return CannotStart(f"{what}: {error.what}", why="Nothing was changed.", remedy=remedy)
