import os
from typing import TextIO


def has_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal on which colours are wanted: https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR")
