"""Years of deployments, made up: the same ones for the same seed."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

from deploy_action.common.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_795_500_000.0
"""2026-11-24T06:00:00Z."""
HOUR, DAY = 3_600.0, 86_400.0
STACKS = {"shop-web": 190.0, "shop-orders": 340.0, "shop-database": 780.0, "identity": 95.0}
RESOURCES = {
    "shop-web": (("Service", "AWS::ECS::Service", 0.7), ("TaskDefinition", "AWS::ECS::TaskDefinition", 0.03)),
    "shop-orders": (("Worker", "AWS::ECS::Service", 0.6), ("Handler", "AWS::Lambda::Function", 0.05)),
    "shop-database": (("Cluster", "AWS::RDS::DBCluster", 0.75), ("Proxy", "AWS::RDS::DBProxy", 0.2)),
    "identity": (
        ("UserPool", "AWS::Cognito::UserPool", 0.1),
        ("Distribution", "AWS::CloudFront::Distribution", 0.8),
    ),
}
PEOPLE = ("ada", "grace", "linus", "barbara", "renovate[bot]")


def history(count: int, *, days: float = 400.0, seed: int = 1) -> bytes:
    return json.dumps({"schema": 1, "deployments": list(records(count, days=days, seed=seed))}).encode()


def records(count: int, *, days: float = 400.0, seed: int = 1) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    moments = sorted(_working_hour(chance, NOW - days * DAY) for _ in range(count))
    broken: dict[tuple[str, str], float] = {}
    for number, moment in enumerate(moments):
        environment = chance.choices(("production", "staging", "test"), (3, 4, 3))[0]
        stack = chance.choices(tuple(STACKS), (5, 4, 1, 2))[0]
        # Who broke it mends it soon.
        if broken and chance.random() < 0.75:
            environment, stack = next(iter(broken))
        share = (moment - moments[0]) / (days * DAY)
        yield _record(chance, number, moment, environment, stack, broken=broken, share=share)


def _working_hour(chance: random.Random, since: float) -> float:
    while True:
        moment = chance.uniform(since, NOW - HOUR)
        weekday, hour = int(moment // DAY + 3) % 7, moment % DAY / HOUR
        if chance.random() < (0.08 if weekday > 4 else 1.0) * (1.0 if 7 < hour < 18 else 0.12):
            return moment


def _record(
    chance: random.Random,
    number: int,
    moment: float,
    environment: str,
    stack: str,
    *,
    broken: dict[tuple[str, str], float],
    share: float,
) -> dict[str, Any]:
    usual = STACKS[stack] * (1.35 if stack == "shop-orders" and share > 0.7 else 1.0)
    seconds = usual * math.exp(chance.gauss(0, 0.09))
    odd = chance.random() < 0.008
    if odd:
        seconds *= chance.uniform(2.0, 3.5)
    dice = chance.random()
    outcome = (
        "rolled-back"
        if dice < 0.045
        else "failed"
        if dice < 0.06
        else "no-changes"
        if dice < 0.1
        else "succeeded"
    )
    outcome = "cancelled" if 0.1 <= dice < 0.11 else outcome
    if outcome in {"failed", "rolled-back"}:
        broken[(environment, stack)] = moment
        seconds *= chance.uniform(0.4, 1.6)
    elif outcome in {"succeeded", "no-changes"}:
        broken.pop((environment, stack), None)
    queue = chance.choices((0.0, chance.expovariate(1 / 90), chance.expovariate(1 / 900)), (6, 3, 0.3))[0]
    begun = moment + 20 + queue
    middle = usual * math.exp(chance.gauss(0, 0.03))
    return {
        "correlation_id": f"{iso(moment).replace('-', '')[:8]}-{number:06d}",
        "environment": environment,
        "locks": [environment],
        "account": "123456789012",
        "stacks": [f"eu-west-1/{stack}"],
        "outcome": outcome,
        "root_cause": "Service: (service web) was unable to reach a steady state."
        if outcome == "rolled-back"
        else "",
        "requested_at": iso(moment),
        "held_since": iso(begun),
        "released_at": iso(begun + (5 if outcome == "no-changes" else seconds)),
        "queue_seconds": round(queue),
        "duration_seconds": None if outcome == "no-changes" else round(seconds, 1),
        "repository": "org/shop",
        "actor": chance.choice(PEOPLE),
        "commit": f"{chance.getrandbits(160):040x}",
        "url": f"https://github.com/org/shop/actions/runs/{10_000_000_000 + number}/attempts/1",
        "estimate": {
            "low": round(middle / 1.13, 1),
            "mid": round(middle, 1),
            "high": round(middle * 1.14, 1),
            "basis": "the same resources",
            "samples": min(number, 20),
        },
        "runs": [_run(chance, stack, outcome, seconds)] if outcome != "no-changes" else [],
    }


def _run(chance: random.Random, stack: str, outcome: str, seconds: float) -> dict[str, Any]:
    good = outcome == "succeeded"
    return {
        "stack": f"eu-west-1/{stack}",
        "operation": "update",
        "outcome": "succeeded" if good else "rolled-back",
        "seconds": round(seconds, 1),
        "touched": f"{len(stack):012x}",
        "count": len(RESOURCES[stack]),
        "resources": [
            f"+{chance.uniform(1, 5):.1f} {max(0.5, seconds * part):.1f} UPDATE {kind} {label}"
            for label, kind, part in RESOURCES[stack]
        ]
        if good
        else [],
    }
