"""Answers from a simulated mini program, as the catalogue's ``simulation`` says."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.world import World
from cloud_openapi.periods import Period


def simulate(
    operation: Operation, periods: Mapping[str, Period], world: World, today: date
) -> dict[str, Any]:
    """Return an answer in the HTTPS form; ``periods`` holds the period of each ref field."""
    answer: dict[str, Any] = {ref: period.ref for ref, period in periods.items()}
    (period,) = periods.values()
    for name, source in operation.simulation.items():
        # Only periods that are over are listed, as in every recorded answer.
        retentions = world.retentions(source["retention_of"], period, operation.keys(name), today)
        answer[name] = [{"key": key, "value": value} for key, value in retentions]
    return answer
