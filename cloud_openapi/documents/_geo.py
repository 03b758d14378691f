"""GeoJSON: distances in metres on a sphere, and relations of shapes.

Edges are straight lines between degrees, as on a map, where MongoDB has great circles; the
difference is a few metres for edges of ten kilometres.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise, product
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._numbers import is_number
from cloud_openapi.documents._values import Document, shown

_RADIUS: Final = 6_378_100.0  # metres, as in MongoDB
_TOLERANCE: Final = 1e-12
_TRIANGLE: Final = 4  # points of the smallest closed ring
# From coordinates to a list of parts, each a list of rings, each a list of points.
_PARTS: Final[dict[str, Callable[[Any], Any]]] = {
    "Point": lambda found: [[[found]]],
    "MultiPoint": lambda found: [[[each]] for each in found],
    "LineString": lambda found: [[found]],
    "MultiLineString": lambda found: [[each] for each in found],
    "Polygon": lambda found: [found],
    "MultiPolygon": lambda found: found,
}

_Point = tuple[float, float]
_Edge = tuple[_Point, _Point]
_Test = Callable[[Any], bool]


class _Part:
    """A point, a line, or an area with its holes."""

    def __init__(self, kind: str, rings: list[list[_Point]]) -> None:
        self.is_area = kind.endswith("Polygon")
        self.points = [each for ring in rings for each in ring]
        closed = [ring if len(ring) > 1 else ring * 2 for ring in rings]
        self.edges: list[_Edge] = [each for ring in closed for each in pairwise(ring)]
        valid = all(len(ring) >= _TRIANGLE and ring[0] == ring[-1] for ring in rings)
        check(valid or not self.is_area, "Polygon loop is not closed")

    def has(self, point: _Point) -> bool:
        """Return whether an area has a point inside or on its edge."""
        inside = False
        for start, end in self.edges if self.is_area else []:
            if _is_on((start, end), point):
                return True
            if (start[1] > point[1]) != (end[1] > point[1]):
                slope = (end[0] - start[0]) / (end[1] - start[1])
                inside ^= point[0] < start[0] + slope * (point[1] - start[1])
        return inside


def _parts(value: Any) -> list[_Part]:
    """Return the parts of GeoJSON, or of a pair of coordinates. Raises OperationFailure."""
    given = value if type(value) is dict else {"type": "Point", "coordinates": value}
    if type(given.get("geometries")) is list:
        return [part for each in given["geometries"] for part in _parts(each)]
    kind = given.get("type", "Point")
    coordinates = given.get("coordinates") if "type" in given else list(given.values())
    try:
        parts = _PARTS[kind](coordinates)
        return [_Part(kind, [[_point(each) for each in ring] for ring in part]) for part in parts]
    except (KeyError, TypeError):
        raise OperationFailure(f"unknown GeoJSON type: {shown(value)}") from None


def _point(value: Any) -> _Point:
    match value:
        case [x, y, *_] if is_number(x) and is_number(y):
            valid = abs(x) <= 180 and abs(y) <= 90  # noqa: PLR2004 - degrees
            check(valid, f"longitude/latitude is out of bounds, lng: {x} lat: {y}")
            return (x, y)
    raise OperationFailure(f"a point must be [longitude, latitude], not {shown(value)}")


def _found(value: Any) -> list[_Part]:
    """Return the parts of a document's value, none if it is not geometry."""
    try:
        return _parts(value) if type(value) in {dict, list} else []
    except OperationFailure:
        return []


class Distance:
    """A function from a value to its distance in metres from a point, None outside of the limits.

    The limits count metres, or radians if the point is a mere pair; ``unit`` is the metres of one.
    Raises OperationFailure.
    """

    def __init__(self, centre: Any, limits: Document, sign: str = "") -> None:
        points = [each for part in _parts(centre) for each in part.points]
        check(len(points) == 1, f"$near requires a point, given {shown(centre)}")
        self.unit = 1.0 if type(centre) is dict and "type" in centre else _RADIUS
        self._centre = points[0]
        names = (f"{sign}minDistance", f"{sign}maxDistance")
        least, most = limits.get(names[0], 0), limits.get(names[1], math.inf)
        valid = is_number(least) and is_number(most) and least >= 0 and most >= 0
        check(valid, f"{' and '.join(names)} must be non-negative numbers")
        self._least, self._most = least * self.unit, most * self.unit

    def __call__(self, value: Any) -> float | None:
        points = [each for part in _found(value) for each in part.points]
        metres = min([_metres(self._centre, each) for each in points], default=math.nan)
        return metres if self._least <= metres <= self._most else None

    def closest(self, values: Iterable[Any]) -> tuple[float, Any]:
        """Return the least distance of some values, and the value; -1 if none has a distance."""
        found = [(metres, each) for each in values if (metres := self(each)) is not None]
        return min(found, key=lambda pair: pair[0], default=(-1.0, None))


def near(operand: Any, conditions: Document) -> Distance:
    """Return the distance of $near or $nearSphere. Raises OperationFailure."""
    given = operand if type(operand) is dict and "$geometry" in operand else {"$geometry": operand}
    return Distance(given["$geometry"], {**conditions, **given}, "$")


def _metres(one: _Point, other: _Point) -> float:
    (x1, y1), (x2, y2) = (map(math.radians, each) for each in (one, other))
    half = math.sin((y2 - y1) / 2) ** 2
    half += math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * _RADIUS * math.asin(min(1.0, math.sqrt(half)))


def within(operand: Any) -> _Test:
    """Return the test of $geoWithin. Raises OperationFailure."""
    match operand:
        case {"$centerSphere": [centre, radius]} if is_number(radius):
            middle, most = _point(centre), radius * _RADIUS
            return _all_parts(lambda part: all(_metres(middle, p) <= most for p in part.points))
    areas = _geometry("$geoWithin", operand)
    check(all(area.is_area for area in areas), "$geoWithin needs a Polygon or MultiPolygon")
    return _all_parts(lambda part: any(_contains(area, part) for area in areas))


def _all_parts(test: Callable[[_Part], bool]) -> _Test:
    return lambda value: bool(found := _found(value)) and all(map(test, found))


def intersects(operand: Any) -> _Test:
    """Return the test of $geoIntersects. Raises OperationFailure."""
    parts = _geometry("$geoIntersects", operand)
    return lambda value: any(_touch(*each) for each in product(parts, _found(value)))


def _geometry(name: str, operand: Any) -> list[_Part]:
    valid = type(operand) is dict and "$geometry" in operand
    check(valid, f"{name} needs $geometry or a circle, not {shown(operand)}")
    return _parts(operand["$geometry"])


def _contains(area: _Part, part: _Part) -> bool:
    crossing = any(_cross(*each) for each in product(area.edges, part.edges))
    return not crossing and all(map(area.has, part.points))


def _touch(one: _Part, other: _Part) -> bool:
    inside = any(map(one.has, other.points)) or any(map(other.has, one.points))
    return inside or any(
        _cross(a, b) or any(_is_on(a, each) for each in b) or any(_is_on(b, each) for each in a)
        for a, b in product(one.edges, other.edges)
    )


def _side(start: _Point, end: _Point, point: _Point) -> float:
    """Return 1 if a point is to the left of a line, -1 to the right, 0 if on it."""
    area = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
    return 0.0 if abs(area) < _TOLERANCE else math.copysign(1, area)


def _cross(one: _Edge, other: _Edge) -> bool:
    """Return whether two edges cross, and not only touch."""
    across = _side(*one, other[0]) * _side(*one, other[1]) < 0
    return across and _side(*other, one[0]) * _side(*other, one[1]) < 0


def _is_on(edge: _Edge, point: _Point) -> bool:
    return _side(*edge, point) == 0 and all(
        min(a, b) - _TOLERANCE <= each <= max(a, b) + _TOLERANCE
        for a, b, each in zip(*edge, point, strict=True)
    )
