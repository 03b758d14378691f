"""How much the package knows of a cloud call."""

from typing import Final, Literal

from cloud_openapi.catalogue._loader import Outline
from cloud_openapi.catalogue._operation import Operation

State = Literal["simulated", "example", "name"]

STATES: Final[dict[State, str]] = {
    "simulated": "the emulator computes the answer for any request",
    "example": "the emulator answers as the documented example does",
    "name": "only the name is known: pin an answer",
}


def state_of(known: Operation | Outline | None) -> State:
    """Return the state of an API; None is an API without an entry."""
    if known is None:
        return "name"
    simulated = known.simulated if isinstance(known, Outline) else bool(known.simulation)
    return "simulated" if simulated else "example"
