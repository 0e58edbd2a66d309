"""Credentials, their remaining life, the region and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import duration, unix_seconds
from deploy_action.preflight.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.common.instants import WallTime
    from deploy_action.preflight.facts import Session

EXPIRY_NAMES = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")
EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
SKEW_SECONDS_MAX = 60.0
"""From five minutes on AWS refuses signatures."""
SESSION_SECONDS_MIN = 900.0
"""Of a deployment that nobody can estimate, this much is asked for."""


def told_expiry(environ: Mapping[str, str]) -> float | None:
    """When the credentials end, as the environment says; unix seconds."""
    return next((end for name in EXPIRY_NAMES if (end := unix_seconds(environ.get(name, "")))), None)


def life_findings(
    session: Session, *, now: WallTime, estimate_seconds: float | None, wait_seconds: float
) -> list[Finding]:
    """`estimate_seconds`: the upper end of the estimate. `wait_seconds`: what those ahead may take."""
    if session.expires is None:
        return []
    left = session.expires - now
    if left <= 0:
        # The clock or the variable is wrong: AWS has just answered with these credentials.
        what = f"The AWS session should have ended {duration(-left)} ago, though AWS still takes it."
        return [finding("credentials-expired", what, certain=False)]
    needed = (SESSION_SECONDS_MIN if estimate_seconds is None else estimate_seconds) + wait_seconds
    if left >= needed:
        return []
    if estimate_seconds is None:
        why = "and nobody knows how long the deployment takes"
    else:
        why = f"and the deployment may take {duration(estimate_seconds)}"
    if wait_seconds >= 1:
        why += f" after {duration(wait_seconds)} in the queue"
    return [finding("credentials-end-early", f"The AWS session ends in {duration(left)}, {why}.")]


def region_findings(region: str, known: frozenset[str], environ: Mapping[str, str]) -> list[Finding]:
    """`known`: the regions that the SDK knows; empty where it cannot tell."""
    found = []
    if known and region not in known:
        found.append(
            finding("region-unknown", f"`{region}` is no region that the AWS SDK knows.", resource=region)
        )
    first, second = environ.get("AWS_REGION", ""), environ.get("AWS_DEFAULT_REGION", "")
    if first and second and first != second:
        found.append(
            finding("region-ambiguous", f"AWS_REGION is {first}, and AWS_DEFAULT_REGION is {second}.")
        )
    return found


def clock_findings(skew_seconds: float, who: str) -> list[Finding]:
    """`skew_seconds`: how far this machine is ahead of `who`."""
    if abs(skew_seconds) <= SKEW_SECONDS_MAX:
        return []
    side = "ahead of" if skew_seconds > 0 else "behind"
    return [
        finding("clock-skew", f"This machine's clock is {duration(abs(skew_seconds))} {side} that of {who}.")
    ]
