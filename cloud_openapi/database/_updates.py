"""The commands of updates, and the text of ``update``: those of @cloudbase/database 1.4.3."""

from collections.abc import Mapping
from typing import Any, Final, NoReturn

from cloud_openapi.database._conditions import flatten, operands_of
from cloud_openapi.database._values import Encodable, encode, is_list, to_text
from cloud_openapi.errors import CloudSDKError

_MODIFIERS: Final = ("each", "position", "sort", "slice")


class UpdateCommand(Encodable):
    """A change of a field."""

    def __init__(self, operator: str, operand: Any) -> None:
        self.operator = operator
        self.operand = operand

    def __repr__(self) -> str:
        return f"<{self.operator} {self.operand!r}>"

    def toJSON(self) -> NoReturn:
        """Raise CloudSDKError: a command stands for a field of ``update``, not within a value."""
        raise CloudSDKError(
            -1,
            f"the update command {self.operator} cannot stand here",
            'A command takes the place of a field of update: {"data": {"n": _.inc(1)}}',
        )


class UpdateCommands:
    """The commands that change a field: those of ``db.command``."""

    def set(self, value: Any) -> UpdateCommand:
        """Set the field, an object as a whole."""
        return UpdateCommand("$set", value)

    def remove(self) -> UpdateCommand:
        """Remove the field."""
        return UpdateCommand("$unset", "")

    def inc(self, value: float) -> UpdateCommand:
        """Add a number to the field."""
        return UpdateCommand("$inc", value)

    def mul(self, value: float) -> UpdateCommand:
        """Multiply the field by a number."""
        return UpdateCommand("$mul", value)

    def min(self, value: Any) -> UpdateCommand:
        """Set the field if it is larger."""
        return UpdateCommand("$min", value)

    def max(self, value: Any) -> UpdateCommand:
        """Set the field if it is smaller."""
        return UpdateCommand("$max", value)

    def rename(self, name: str) -> UpdateCommand:
        """Rename the field."""
        return UpdateCommand("$rename", name)

    def bit(self, value: Mapping[str, int]) -> UpdateCommand:
        """Change the bits of a whole number: ``{"and": 5}``."""
        return UpdateCommand("$bit", value)

    def push(self, *values: Any) -> UpdateCommand:
        """Append to a list: values, a list of values, or an object of options.

        The options are ``each`` (a list), ``position``, ``sort`` and ``slice``.
        """
        first = values[0] if values else None
        if isinstance(first, Mapping) and "each" in first:
            content = {f"${name}": first[name] for name in _MODIFIERS if name in first}
            return UpdateCommand("$push", content)
        return UpdateCommand("$push", {"$each": operands_of(values)})

    def pop(self) -> UpdateCommand:
        """Remove the last element of a list."""
        return UpdateCommand("$pop", 1)

    def shift(self) -> UpdateCommand:
        """Remove the first element of a list."""
        return UpdateCommand("$pop", -1)

    def unshift(self, *values: Any) -> UpdateCommand:
        """Put values, or a list of values, at the beginning of a list."""
        return UpdateCommand("$push", {"$each": operands_of(values), "$position": 0})

    def addToSet(self, value: Any) -> UpdateCommand:
        """Append a value to a list that lacks it; ``{"$each": […]}`` for several."""
        return UpdateCommand("$addToSet", value)

    def pull(self, condition: Any) -> UpdateCommand:
        """Remove the elements of a list that are equal to a value or meet a condition."""
        return UpdateCommand("$pull", condition)

    def pullAll(self, values: Any) -> UpdateCommand:
        """Remove all elements of a list that are equal to one of the values."""
        return UpdateCommand("$pullAll", values)


def update_text(data: Mapping[str, Any]) -> str:
    """Return the text of an update. Raises CloudSDKError, TypeError, ValueError."""
    return to_text(_encode_update(data))


def has_commands(value: Any) -> bool:
    """Return True for a value with an update command in it."""
    if isinstance(value, Mapping):
        return any(map(has_commands, value.values()))
    if is_list(value):
        return any(map(has_commands, value))
    return isinstance(value, UpdateCommand)


def _encode_update(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operators of an update; a plain value sets its field."""
    given = flatten(data)
    found = {name: encode(value) for name, value in given.items() if name.startswith("$")}
    for field, value in given.items():
        if field.startswith("$"):
            continue
        command = value if isinstance(value, UpdateCommand) else UpdateCommand("$set", value)
        fields = found.setdefault(command.operator, {})
        if not isinstance(fields, dict):
            raise ValueError(f"{command.operator} is an object of fields, not {fields!r}")  # noqa: TRY004
        fields[field] = encode(command.operand)
    return found
