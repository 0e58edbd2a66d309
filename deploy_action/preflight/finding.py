"""A finding, and the table of all that there can be. `docs/preflight.md` shows the same table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(Enum):
    """Most urgent first."""

    BLOCKING = "blocking"
    """The deployment is certain to fail."""
    WARNING = "warning"
    """It may fail, or go on without something that it should have."""
    NOTE = "note"
    """Worth knowing, or could not be looked at."""


LEVELS = tuple(Level)
DENIALS_GATHERED = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """The meaning of a code. `level` is the most urgent that it takes: a finding that is not certain is a
    warning."""

    level: Level
    meaning: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `what` may hold text from outside: escape it where it is rendered.
    `resource` is the stack, parameter or logical id that it is about; empty where it is about all."""

    level: Level
    code: str
    what: str
    remedy: str = ""
    resource: str = ""

    @property
    def sentence(self) -> str:
        what = self.what.rstrip()
        return f"{what if what.endswith(('.', '!', '?')) else f'{what}.'} {self.remedy}".strip()


_B, _W, _N = LEVELS

KINDS = {
    # Who else
    "lock-held": Kind(
        _N, "Another deployment holds the lock now.", "This one waits in the queue, as `when-busy` says."
    ),
    "lock-frozen": Kind(
        _W,
        "The lock is frozen: nobody is granted it.",
        "Wait for the end of the freeze, or lift it: `deploy-coordinator unfreeze`.",
    ),
    "registry-unreachable": Kind(
        _W,
        "The registry does not answer.",
        "CloudFormation's own status keeps deployments apart meanwhile. Look at the store and the network.",
    ),
    "registry-forbidden": Kind(
        _W,
        "The registry refuses access.",
        "Grant what the message names; docs/security.md lists the permissions.",
    ),
    "registry-unreadable": Kind(
        _W,
        "The registry's document is damaged, foreign or of a newer version.",
        "Restore the document from the store's history, or update this action.",
    ),
    "token-cannot-write": Kind(
        _W,
        "The token may not write the registry on GitHub, so there is no lock.",
        "Give the job `permissions: contents: write`, or another token as `registry-token`.",
    ),
    "token-refused": Kind(
        _W,
        "GitHub does not accept the token.",
        "Give a valid `registry-token`, or `github-token` where there is none; it may have expired.",
    ),
    # Credentials and region
    "credentials-missing": Kind(
        _B,
        "There are no AWS credentials that work.",
        "Run a step such as aws-actions/configure-aws-credentials before this one.",
    ),
    "credentials-expired": Kind(
        _B,
        "The AWS credentials have expired.",
        "Fetch new ones right before this step, or raise `role-duration-seconds`.",
    ),
    "credentials-end-early": Kind(
        _W,
        "The AWS session may end before the deployment does.",
        "Raise `role-duration-seconds` where the credentials are fetched, and the role's maximum with it.",
    ),
    "region-unknown": Kind(
        _W, "The region is none that AWS is known to have.", "Check the region's spelling."
    ),
    "region-disabled": Kind(
        _B,
        "The account has not enabled this region.",
        "Enable the region in the account's settings, or deploy to another one.",
    ),
    "region-ambiguous": Kind(
        _W,
        "AWS_REGION and AWS_DEFAULT_REGION differ, and tools read one or the other.",
        "Set both to the same region.",
    ),
    "clock-skew": Kind(
        _W,
        "This machine's clock is wrong; AWS refuses requests from five minutes on.",
        "Let the machine keep its time by NTP.",
    ),
    "change-sets-denied": Kind(
        _B,
        "Change sets may not be read, and what is deployed by `template` is a change set.",
        "Allow `cloudformation:DescribeChangeSet` to the role of this job, see docs/security.md.",
    ),
    # The stack
    "stack-in-progress": Kind(
        _N, "CloudFormation is working on the stack.", "The deployment waits until it is at rest."
    ),
    "stack-rollback-complete": Kind(
        _B,
        "The stack's creation failed and was rolled back: it can only be deleted.",
        "`deploy-coordinator cleanup STACK` deletes it, and so does `delete-rolled-back-stack: true`.",
    ),
    "stack-rollback-failed": Kind(
        _B,
        "The stack's creation failed, and its rollback too: it can only be deleted.",
        "`deploy-coordinator cleanup STACK` shows what is left and deletes it.",
    ),
    "stack-delete-failed": Kind(
        _B,
        "The stack's deletion failed: it can only be deleted again.",
        "`deploy-coordinator cleanup STACK` shows what kept it and deletes it.",
    ),
    "stack-update-rollback-failed": Kind(
        _B,
        "The rollback of an update failed: no update is possible before it is finished.",
        "`deploy-coordinator cleanup STACK` goes on with it, and can leave resources out.",
    ),
    "stack-create-failed": Kind(
        _B,
        "The stack's creation failed while rollback was disabled: it is updated only with rollback disabled.",
        "Deploy with `disable-rollback: true` again, or delete it: `deploy-coordinator cleanup STACK`.",
    ),
    "stack-update-failed": Kind(
        _B,
        "An update failed while rollback was disabled: the stack is updated only with rollback disabled.",
        "Deploy with `disable-rollback: true` again, or roll it back: `deploy-coordinator cleanup STACK`.",
    ),
    "stack-under-review": Kind(
        _N,
        "The stack is an empty one, left by a change set that was not executed.",
        "The deployment creates it. Where none follows: `deploy-coordinator cleanup STACK`.",
    ),
    "stack-protected": Kind(
        _B,
        "The stack has to be deleted first, and termination protection forbids that.",
        "Turn the protection off: aws cloudformation update-termination-protection "
        "--no-enable-termination-protection.",
    ),
    "stack-nested": Kind(
        _W,
        "The stack belongs to a parent stack, whose next update may undo this one.",
        "Deploy the parent stack.",
    ),
    # Template and parameters
    "template-invalid": Kind(
        _B, "CloudFormation refuses the template.", "Correct what the message names; cfn-lint shows more."
    ),
    "template-unreadable": Kind(
        _W, "The template cannot be read here, and CloudFormation could not be asked.", "Check its syntax."
    ),
    "template-unreachable": Kind(
        _B,
        "CloudFormation cannot fetch the template from its address.",
        "Upload it, and let these credentials read the object (s3:GetObject).",
    ),
    "template-large": Kind(
        _W,
        "The template comes close to what CloudFormation takes as a file.",
        "Upload templates to S3 and give the https:// address; that way they may have 1 MB.",
    ),
    "template-limits": Kind(
        _B,
        "The template has more resources, parameters, outputs or mappings than CloudFormation takes.",
        "Split it into several stacks, or use nested ones.",
    ),
    "capabilities-missing": Kind(
        _B,
        "The template makes IAM resources, and `capabilities` does not acknowledge that.",
        "Add the capability that is named to `capabilities`.",
    ),
    "capabilities-likely": Kind(
        _W,
        "Resources made by the template's transform or macro need a capability that is not given.",
        "Add the capability that is named to `capabilities`.",
    ),
    "parameter-missing": Kind(
        _B,
        "A parameter has neither a value nor a default.",
        "Give it in `parameter-overrides`, or a default in the template.",
    ),
    "parameter-unknown": Kind(
        _B,
        "A parameter is given that the template does not declare.",
        "Check its spelling, or take it out of `parameter-overrides`.",
    ),
    "parameter-invalid": Kind(
        _B,
        "A parameter's value is none that the template allows.",
        "Give one of the values that the template allows.",
    ),
    # What the template refers to and makes
    "secret-missing": Kind(
        _B,
        "The template refers to a secret that Secrets Manager does not have.",
        "Create the secret in this account and region, or correct its name.",
    ),
    "ssm-parameter-missing": Kind(
        _B,
        "The template refers to a parameter that the Parameter Store does not have.",
        "Create the parameter in this account and region, or correct its name.",
    ),
    "name-taken": Kind(
        _B,
        "Something of the name that a new resource is to have exists already.",
        "Delete it if a failed stack left it, import it into the stack, or choose another name.",
    ),
    "quota-exceeded": Kind(
        _B,
        "The change needs more of something than the account may have.",
        "Remove what is not used, or ask for more in Service Quotas.",
    ),
    # Messages
    "slack-unusable": Kind(
        _W, "Slack will not take messages.", "Correct what the message names. The deployment goes on."
    ),
    "doorbell-unusable": Kind(
        _W,
        "The queue of `events` cannot be used: stacks are polled at the usual pace.",
        "Correct what the message names, see docs/doorbell.md.",
    ),
    # About the checks themselves
    "check-denied": Kind(
        _N, "A permission is missing, so something was not checked.", "Grant it, or do without the check."
    ),
    "check-unanswered": Kind(_N, "A check got no usable answer in time."),
}


def finding(
    code: str, what: str, *, remedy: str = "", resource: str = "", certain: bool = True, note: bool = False
) -> Finding:
    """`certain` says that what is found happens for sure: a blocking code is a warning else."""
    kind = KINDS[code]
    level = Level.NOTE if note else kind.level
    if level is Level.BLOCKING and not certain:
        level = Level.WARNING
    return Finding(level, code, what, remedy or kind.remedy, resource)


def denied(permission: str, about: str) -> Finding:
    """`about` completes the sentence "it was not checked …"."""
    what = f"AWS denies `{permission}`, so it was not checked {about}."
    remedy = f"Grant `{permission}`, or do without the check."
    return finding("check-denied", what, remedy=remedy, resource=permission)


def gathered(found: Iterable[Finding]) -> list[Finding]:
    """Many denials as one: who has not granted any is not told line by line, deployment after deployment."""
    found = list(found)
    denials = [one for one in found if one.code == "check-denied"]
    if len(denials) < DENIALS_GATHERED:
        return found
    permissions = ", ".join(f"`{name}`" for name in dict.fromkeys(one.resource for one in denials))
    what = f"AWS denies {permissions}, so {len(denials)} checks were left out."
    one = finding("check-denied", what, remedy="Grant them, or do without these checks.")
    return [*(other for other in found if other.code != "check-denied"), one]


def softened(found: Iterable[Finding]) -> list[Finding]:
    """Where somebody else's command deploys, nothing is certain: it may know a way."""
    return [replace(one, level=Level.WARNING) if one.level is Level.BLOCKING else one for one in found]


def ordered(found: Iterable[Finding]) -> list[Finding]:
    """Most urgent first, each once; else in the order given."""
    return sorted(dict.fromkeys(found), key=lambda one: LEVELS.index(one.level))
