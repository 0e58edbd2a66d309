"""Whether an account may have as many of something as the change makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from deploy_action.preflight.finding import Finding, finding
from deploy_action.preflight.template_values import is_transformed, resources_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.preflight.facts import Context, Quota


class Counted(Enum):
    """The counted quotas, by the resource type that uses them."""

    VPC = "AWS::EC2::VPC"
    ADDRESS = "AWS::EC2::EIP"
    GATEWAY = "AWS::EC2::InternetGateway"
    BUCKET = "AWS::S3::Bucket"
    ROLE = "AWS::IAM::Role"


WORDS = {
    Counted.VPC: "VPCs",
    Counted.ADDRESS: "elastic IP addresses",
    Counted.GATEWAY: "internet gateways",
    Counted.BUCKET: "buckets",
    Counted.ROLE: "IAM roles",
}


@dataclass(frozen=True, slots=True)
class Need:
    """How many a change makes: `sure` in any case, `most` if all conditions are true."""

    sure: int
    most: int


def needs_of(template: Mapping[str, Any], context: Context) -> dict[Counted, Need]:
    """The new resources. What the change takes away is not subtracted: CloudFormation deletes last."""
    kinds = {counted.value: counted for counted in Counted}
    found: dict[Counted, Need] = {}
    for logical_id, kind, _, always in resources_of(template):
        counted = kinds.get(kind)
        if counted is None or (not context.stack.is_new and logical_id in context.resources):
            continue
        need = found.get(counted, Need(0, 0))
        sure = always and not is_transformed(template)
        found[counted] = Need(need.sure + sure, need.most + 1)
    return found


def quota_findings(needs: Mapping[Counted, Need], quotas: Mapping[Counted, Quota]) -> list[Finding]:
    """Quotas that are not known are left out."""
    found = []
    for counted, need in needs.items():
        quota = quotas.get(counted)
        if quota is None or quota.used + need.most <= quota.limit:
            continue
        words = WORDS[counted]
        what = (
            f"The change makes {need.most} {words}; {quota.used} of {quota.limit:.0f} in this account "
            "and region are used."
        )
        certain = need.sure > 0 and quota.used + need.sure > quota.limit
        found.append(finding("quota-exceeded", what, resource=words, certain=certain))
    return found
