"""What a deployment is expected to take: the history of its stacks, its plan, and published averages."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from deploy_action.core import history
from deploy_action.core.durations import parse_samples, parse_table
from deploy_action.core.learned_forecast import LearnedForecast
from deploy_action.core.times import duration
from deploy_action.data import read_table
from deploy_action.errors import RegistryUnavailable
from deploy_action.steps.world import optional

if TYPE_CHECKING:
    from deploy_action.core.forecast import Estimate
    from deploy_action.core.past import Past
    from deploy_action.core.plan import Plan
    from deploy_action.steps.state import JobState
    from deploy_action.steps.world import World
    from deploy_action.wiring import Wiring

TABLE = "resource-durations.tsv"
PATIENCE_SECONDS = 4.0
"""Of real time: an estimate is not worth more, and a cancelled job has 7.5 s."""


class Expecting:
    """Reads the history once for each step, and only when asked. What it cannot read is told once."""

    def __init__(self, world: World, wiring: Wiring, state: JobState) -> None:
        self._world = world
        self._wiring = wiring
        self._state = state

    def forecast(self, plans: tuple[Plan, ...]) -> LearnedForecast:
        return LearnedForecast(self._past, plans)

    @cached_property
    def _past(self) -> Past:
        table = read_table(TABLE)
        content = None
        if self._state.ticket is not None and not self._state.alone:
            content = optional(self._world.teller, "Reading the deployment history", self._content)
        past = history.read(content, parse_table(table), parse_samples(table))
        if past.trouble:
            self._world.teller.note(past.trouble)
        return past

    def _content(self) -> bytes | None:
        """In a thread of its own: a registry that hangs must not hold up the watch."""
        answers: list[bytes | None] = []
        errors: list[Exception] = []

        def read() -> None:
            try:
                registry = self._wiring.registry()
                answers.append(registry.read_file(history.NAME, registry.read().version))
            except Exception as error:  # noqa: BLE001 - raised again where somebody hears it
                errors.append(error)

        reader = threading.Thread(target=read, name="history", daemon=True)
        reader.start()
        reader.join(PATIENCE_SECONDS)
        if errors:
            raise errors[0]
        if not answers:
            raise RegistryUnavailable(f"The registry did not answer within {PATIENCE_SECONDS:.0f} s.")
        return answers[0]


def sentence(estimate: Estimate) -> str:
    """`Expected to take about 4m10s (3m40s to 4m50s; median of the same resources, 4 deployments).`"""
    counted = (
        f", {estimate.samples} deployment{'' if estimate.samples == 1 else 's'}" if estimate.samples else ""
    )
    return (
        f"Expected to take about {duration(estimate.mid_seconds)} ({duration(estimate.low_seconds)} to "
        f"{duration(estimate.high_seconds)}; {estimate.basis}{counted})."
    )
