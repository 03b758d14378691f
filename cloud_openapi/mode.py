"""The emulator's modes by name, for the emulator, its commands and its fixtures."""

from typing import Literal

Mode = Literal["simulate", "replay", "record", "spy", "diff"]
