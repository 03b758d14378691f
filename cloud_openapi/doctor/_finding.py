from typing import Literal, NamedTuple

State = Literal["fine", "note", "problem"]


class Finding(NamedTuple):
    """What was found out about a topic, and what to do about a problem."""

    topic: str
    state: State
    text: str
    todo: str = ""


def fine(topic: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(topic, "fine", text)


def note(topic: str, text: str, todo: str = "") -> Finding:
    """Return a finding that may be wanted."""
    return Finding(topic, "note", text, todo)


def problem(topic: str, text: str, todo: str) -> Finding:
    """Return a finding by which calls fail."""
    return Finding(topic, "problem", text, todo)
