"""Conditions of queries: the commands that ``where`` takes, and their text.

Commands and text are those of @cloudbase/database 1.4.3, the database of wx-server-sdk 4.0.2. A
command is made without a field and gets that of its place: ``{"age": _.gt(18)}``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloud_openapi.database._geo import (
    Geometry,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
    received,
)
from cloud_openapi.database._values import Encodable, RegExp, encode, is_list, to_text
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import options_of

_AREAS: Final = (Polygon, MultiPolygon)
_GEOMETRIES: Final = (Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon)


class QueryCommands(ABC):
    """The commands that compare a field: those of ``db.command``, and of one to add another.

    ``_.gt(1).lt(9)`` is ``_.and_(_.gt(1), _.lt(9))``.
    """

    @abstractmethod
    def _compare(self, operator: str, operand: Any) -> "Condition":
        """Return the command."""

    def eq(self, value: Any) -> "Condition":
        """Match an equal value, an object as a whole."""
        return self._compare("$eq", value)

    def neq(self, value: Any) -> "Condition":
        """Match any other value, and a missing field."""
        return self._compare("$ne", value)

    def lt(self, value: Any) -> "Condition":
        """Match a smaller value."""
        return self._compare("$lt", value)

    def lte(self, value: Any) -> "Condition":
        """Match a smaller or equal value."""
        return self._compare("$lte", value)

    def gt(self, value: Any) -> "Condition":
        """Match a larger value."""
        return self._compare("$gt", value)

    def gte(self, value: Any) -> "Condition":
        """Match a larger or equal value."""
        return self._compare("$gte", value)

    def in_(self, values: Sequence[Any]) -> "Condition":
        """Match one of the values (``in`` of the SDK)."""
        return self._compare("$in", values)

    def nin(self, values: Sequence[Any]) -> "Condition":
        """Match none of the values."""
        return self._compare("$nin", values)

    def all(self, values: Sequence[Any]) -> "Condition":
        """Match a list that has all of the values."""
        return self._compare("$all", values)

    def elemMatch(self, condition: Any) -> "Condition":
        """Match a list with an element that meets a condition: an object or a command."""
        return self._compare("$elemMatch", condition)

    def exists(self, value: bool) -> "Condition":  # noqa: FBT001 - as in the SDK
        """Match documents with, or without, the field."""
        return self._compare("$exists", value)

    def size(self, value: int) -> "Condition":
        """Match a list of a length."""
        return self._compare("$size", value)

    def mod(self, divisor: Any, remainder: int | None = None) -> "Condition":
        """Match a number by its remainder: ``mod(3, 0)`` or ``mod([3, 0])``."""
        return self._compare("$mod", divisor if remainder is None else [divisor, remainder])

    def geoNear(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> "Condition":
        """Match places near a Point, the nearest first.

        The options are ``geometry``, and ``maxDistance`` and ``minDistance`` in metres.
        """
        names = ("geometry", "maxDistance", "minDistance")
        given = options_of("geoNear", options, keywords, names)
        content: dict[str, Any] = {"$geometry": _geometry(given.get("geometry"), (Point,), "Point")}
        for name in names[1:]:
            distance = given.get(name)
            if distance is None:
                continue
            if isinstance(distance, bool) or not isinstance(distance, int | float):
                kind = received(distance)
                raise CloudSDKError(-1, f'"{name}" must be of type Number. Received type {kind}')
            content[f"${name}"] = distance
        return self._compare("$nearSphere", content)

    def geoWithin(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "Condition":
        """Match what lies within an area.

        The option is ``geometry``, a Polygon or a MultiPolygon, or ``centerSphere``: a list of a
        Point, or its coordinates, and a radius in radians.
        """
        given = options_of("geoWithin", options, keywords, ("geometry", "centerSphere"))
        sphere = given.get("centerSphere")
        if sphere is not None:
            return self._compare("$geoWithin", {"$centerSphere": _sphere(sphere)})
        area = _geometry(given.get("geometry"), _AREAS, "Polygon or MultiPolygon")
        return self._compare("$geoWithin", {"$geometry": area})

    def geoIntersects(
        self, options: Mapping[str, Any] | None = None, /, **keywords: Any
    ) -> "Condition":
        """Match what has a place in common with ``geometry``."""
        given = options_of("geoIntersects", options, keywords, ("geometry",))
        names = "Point, LineString, Polygon, MultiPoint, MultiLineString or MultiPolygon"
        shape = _geometry(given.get("geometry"), _GEOMETRIES, names)
        return self._compare("$geoIntersects", {"$geometry": shape})


class Condition(QueryCommands, Encodable):
    """A command of a query, to which ``and_``, ``or_`` and each command add another one."""

    def _compare(self, operator: str, operand: Any) -> "Condition":
        return self.and_(Comparison(operator, operand))

    def and_(self, *conditions: Any) -> "Condition":
        """Return a command that matches what all match (``and`` of the SDK)."""
        return Logic("$and", [self, *operands_of(conditions)])

    def or_(self, *conditions: Any) -> "Condition":
        """Return a command that matches what one matches (``or`` of the SDK)."""
        return Logic("$or", [self, *operands_of(conditions)])

    @abstractmethod
    def on(self, field: str | None) -> dict[str, Any]:
        """Return the query that asks it of a field. Raises CloudSDKError without one."""


class Comparison(Condition):
    """A comparison with a value."""

    def __init__(self, operator: str, operand: Any) -> None:
        self._operator = operator
        self._operand = operand

    def __repr__(self) -> str:
        return f"<{self._operator} {self._operand!r}>"

    def on(self, field: str | None) -> dict[str, Any]:
        """Return the query. Raises CloudSDKError without a field."""
        if field is None:
            raise _without_field()
        return {field: self.toJSON()}

    def toJSON(self) -> dict[str, Any]:
        """Return the condition without its field, as within ``elemMatch`` and ``pull``."""
        return {self._operator: encode(self._operand)}


class Logic(Condition):
    """A combination of conditions, of one field or each with its own."""

    def __init__(self, operator: str, operands: list[Any]) -> None:
        self._operator = operator
        self._operands = operands

    def __repr__(self) -> str:
        return f"<{self._operator} {self._operands!r}>"

    def on(self, field: str | None) -> dict[str, Any]:
        """Return the query; an operand that is an object names its fields itself."""
        if self._operator != "$not":
            return {self._operator: [_operand(each, field) for each in self._operands]}
        operand = self._operands[0] if self._operands else None
        if field is None or not isinstance(operand, Comparison | RegExp | re.Pattern):
            # The SDK would drop the condition without a word.
            raise CloudSDKError(
                -1,
                "_.not takes a comparison of a field or a regular expression",
                'Write {"age": _.not_(_.gt(18))}; several conditions are denied by _.nor(…)',
            )
        return {field: {"$not": encode(operand)}}

    def toJSON(self) -> dict[str, Any]:
        """Raise CloudSDKError: within ``elemMatch`` and ``pull`` MongoDB has no such form."""
        name = self._operator.removeprefix("$")
        raise CloudSDKError(
            -1,
            f"_.{name} cannot stand within another command",
            'Write the operators themselves, such as _.elemMatch({"$gt": 1, "$lt": 9})',
        )


def operands_of(conditions: tuple[Any, ...]) -> list[Any]:
    """Return the operands of a combination, which are given one by one or as a list."""
    first = conditions[0] if conditions else None
    return list(first if is_list(first) else conditions)


def encode_query(query: Any, field: str | None = None) -> Any:
    """Return a query as MongoDB reads it. Raises CloudSDKError, TypeError, ValueError."""
    if isinstance(query, Condition):
        return query.on(field)
    return _encode_object(query) if isinstance(query, Mapping) else encode(query)


def query_text(query: Any) -> str:
    """Return the text of a query of ``where``. Raises CloudSDKError, TypeError, ValueError."""
    if not isinstance(query, Mapping | Condition):
        raise CloudSDKError(-1, "查询参数必须为对象")
    return to_text(encode_query(query))


def flatten(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return an object whose inner objects became names with dots, but for operators.

    Raises ValueError for an empty object, which the SDK would leave out.
    """
    result = dict(value)
    for name, each in value.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a field is a text, not {name!r}")
        if name.startswith("$") or not isinstance(each, Mapping):
            continue
        whole = f"{path}{name}"
        if not each:
            raise ValueError(
                f"{whole} is an empty object, which wx-server-sdk leaves out: compare with "
                "_.eq({}), or set it with _.set({})"
            )
        inner = flatten(each, f"{whole}.")
        operators = {key: one for key, one in inner.items() if key.startswith("$")}
        if operators:
            result[name] = operators
        else:
            del result[name]
        result |= {f"{name}.{key}": one for key, one in inner.items() if key not in operators}
    return result


def _encode_object(query: Mapping[str, Any]) -> dict[str, Any]:
    found = flatten(query)
    for field, value in list(found.items()):
        if not isinstance(value, Condition):
            found[field] = encode(value)
            continue
        condition = value.on(field)
        if field not in condition:
            del found[field]
        for name, each in condition.items():
            present = found.get(name)
            # As in the SDK, the alternatives of two fields become those of one list.
            found[name] = present + each if isinstance(present, list) else each
    return found


def _operand(value: Any, field: str | None) -> Any:
    """Return an operand of a combination: of the field that has it, or a query of its own."""
    if isinstance(value, Mapping | Condition):
        return encode_query(value, field)
    if value is None or isinstance(value, str | int | float | list):
        return encode(value)
    if field is None:
        raise _without_field()
    return {field: encode(value)}


def _without_field() -> CloudSDKError:
    text = "Cannot encode a comparison command with unset field name"
    return CloudSDKError(-1, text, 'Name the field: {"age": _.gt(18)}')


def _geometry(value: Any, kinds: tuple[type, ...], names: str) -> Geometry:
    if isinstance(value, Geometry) and isinstance(value, kinds):
        return value
    text = f'"geometry" must be of type {names}. Received type {_typeof(value)}'
    raise CloudSDKError(-1, text)


def _typeof(value: Any) -> str:
    return "undefined" if value is None else received(value)


def _sphere(value: Any) -> list[Any]:
    """Return the centre's coordinates and the radius. Raises CloudSDKError."""
    if isinstance(value, list | tuple) and len(value) == 2:  # noqa: PLR2004
        centre, radius = value
        if isinstance(centre, list | tuple) and len(centre) == 2:  # noqa: PLR2004
            centre = Point(*centre)
        number = isinstance(radius, int | float) and not isinstance(radius, bool)
        if isinstance(centre, Point) and number:
            return [centre.coordinates, radius]
    raise CloudSDKError(-1, "centersPhere结构不合法")
