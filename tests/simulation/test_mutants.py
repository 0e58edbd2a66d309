"""The simulation notices what it is there to notice."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_the_simulation_notices_that(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.build(monkeypatch)
    seeds = range(mutant.first, mutant.first + mutant.schedules)
    killer = next((seed for seed in seeds if mutant.play(seed).violations), None)
    assert killer is not None, f"{mutant.schedules} schedules did not notice it"
