"""GeoJSON: distances in metres on a sphere, and relations of shapes.

Edges are straight lines between degrees, as on a map, where MongoDB has great circles; the
difference is a few metres for edges of ten kilometres.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

from cloud_openapi.documents._errors import OperationFailure
from cloud_openapi.documents._values import Document, is_number, shown

RADIUS: Final = 6_378_100.0  # metres, as in MongoDB
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
Distance = Callable[[Any], "float | None"]
"""From a value to its distance in metres from a point, None outside of the limits."""


class _Part:
    """A point, a line, or an area with its holes."""

    def __init__(self, kind: str, rings: list[list[_Point]]) -> None:
        self.is_area = kind.endswith("Polygon")
        self.points = [each for ring in rings for each in ring]
        self.edges: list[_Edge] = [
            each for ring in rings for each in pairwise(ring if len(ring) > 1 else ring * 2)
        ]

    def has(self, point: _Point) -> bool:
        """Return whether an area has a point inside or on its edge."""
        if not self.is_area:
            return False
        inside = False
        for start, end in self.edges:
            if _is_on((start, end), point):
                return True
            if (start[1] > point[1]) != (end[1] > point[1]):
                slope = (end[0] - start[0]) / (end[1] - start[1])
                inside ^= point[0] < start[0] + slope * (point[1] - start[1])
        return inside


def _parts(value: Any) -> list[_Part]:
    """Return the parts of GeoJSON, or of a pair of coordinates. Raises OperationFailure."""
    if type(value) is dict and type(value.get("geometries")) is list:
        return [part for each in value["geometries"] for part in _parts(each)]
    kind, coordinates = "Point", value
    if type(value) is dict and "type" in value:
        kind, coordinates = value["type"], value.get("coordinates")
    elif type(value) is dict:
        coordinates = list(value.values())
    try:
        rings = [
            [[_point(each) for each in ring] for ring in part] for part in _PARTS[kind](coordinates)
        ]
    except (KeyError, TypeError):
        raise _malformed(value) from None
    if kind.endswith("Polygon"):
        for ring in (ring for part in rings for ring in part):
            if len(ring) < _TRIANGLE or ring[0] != ring[-1]:
                raise OperationFailure(f"Polygon loop is not closed: {shown(value)}")
    return [_Part(kind, part) for part in rings]


def _point(value: Any) -> _Point:
    match value:
        case [x, y, *_] if is_number(x) and is_number(y):
            if abs(x) <= 180 and abs(y) <= 90:  # noqa: PLR2004 - degrees
                return (x, y)
            raise OperationFailure(f"longitude/latitude is out of bounds, lng: {x} lat: {y}")
    raise _malformed(value)


def _malformed(value: Any) -> OperationFailure:
    return OperationFailure(f"Can't extract geo keys: unknown GeoJSON: {shown(value)}")


def _found(value: Any) -> list[_Part]:
    """Return the parts of a document's value, none if it is not geometry."""
    try:
        return _parts(value) if type(value) in {dict, list} else []
    except OperationFailure:
        return []


def near(operand: Any, conditions: Document) -> Distance:
    """Return the distance of $near or $nearSphere. Raises OperationFailure."""
    if type(operand) is dict and "$geometry" in operand:
        return distance(operand["$geometry"], {**conditions, **operand}, "$")
    return distance(operand, conditions, "$")


def distance(centre: Any, limits: Document, sign: str = "") -> Distance:
    """Return the distance from a point. Raises OperationFailure.

    ``minDistance`` and ``maxDistance`` count metres, or radians if the point is a mere pair.
    """
    points = [each for part in _parts(centre) for each in part.points]
    if len(points) != 1:
        raise OperationFailure(f"$near requires a point, given {shown(centre)}")
    scale = 1.0 if type(centre) is dict and "type" in centre else RADIUS
    least = _limit(limits, f"{sign}minDistance", 0) * scale
    most = _limit(limits, f"{sign}maxDistance", math.inf) * scale

    def measure(value: Any) -> float | None:
        metres = min(
            [_metres(points[0], each) for part in _found(value) for each in part.points],
            default=math.nan,
        )
        return metres if least <= metres <= most else None

    return measure


def _limit(limits: Document, name: str, default: float) -> float:
    value = limits.get(name, default)
    if is_number(value) and value >= 0:
        return float(value)
    raise OperationFailure(f"{name} must be a non-negative number")


def _metres(one: _Point, other: _Point) -> float:
    (x1, y1), (x2, y2) = (map(math.radians, each) for each in (one, other))
    half = math.sin((y2 - y1) / 2) ** 2
    half += math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * RADIUS * math.asin(min(1.0, math.sqrt(half)))


def within(operand: Any) -> _Test:
    """Return the test of $geoWithin. Raises OperationFailure."""
    if type(operand) is dict and "$centerSphere" in operand:
        inside = _inside_circle(operand["$centerSphere"])
    else:
        areas = _geometry("$geoWithin", operand)
        if not all(area.is_area for area in areas):
            raise OperationFailure("$geoWithin needs a Polygon or MultiPolygon")

        def inside(part: _Part) -> bool:
            return any(_contains(area, part) for area in areas)

    return lambda value: bool(found := _found(value)) and all(map(inside, found))


def _inside_circle(operand: Any) -> Callable[[_Part], bool]:
    match operand:
        case [centre, radius] if is_number(radius):
            middle = _point(centre)
            return lambda part: all(
                _metres(middle, each) <= radius * RADIUS for each in part.points
            )
    raise OperationFailure("$centerSphere needs [[longitude, latitude], radius in radians]")


def intersects(operand: Any) -> _Test:
    """Return the test of $geoIntersects. Raises OperationFailure."""
    parts = _geometry("$geoIntersects", operand)
    return lambda value: any(_touch(one, other) for other in _found(value) for one in parts)


def _geometry(name: str, operand: Any) -> list[_Part]:
    if type(operand) is dict and "$geometry" in operand:
        return _parts(operand["$geometry"])
    raise OperationFailure(f"{name} needs $geometry, not {shown(operand)}")


def _pairs(one: _Part, other: _Part) -> Iterator[tuple[_Edge, _Edge]]:
    return ((a, b) for a in one.edges for b in other.edges)


def _contains(area: _Part, part: _Part) -> bool:
    return all(map(area.has, part.points)) and not any(_cross(a, b) for a, b in _pairs(area, part))


def _touch(one: _Part, other: _Part) -> bool:
    return (
        any(map(one.has, other.points))
        or any(map(other.has, one.points))
        or any(
            _cross(a, b) or any(_is_on(a, each) for each in b) or any(_is_on(b, each) for each in a)
            for a, b in _pairs(one, other)
        )
    )


def _side(start: _Point, end: _Point, point: _Point) -> float:
    """Return 1 if a point is to the left of a line, -1 to the right, 0 if on it."""
    area = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])
    return 0.0 if abs(area) < _TOLERANCE else math.copysign(1, area)


def _cross(one: _Edge, other: _Edge) -> bool:
    """Return whether two edges cross, and not only touch."""
    return (
        _side(*one, other[0]) * _side(*one, other[1]) < 0
        and _side(*other, one[0]) * _side(*other, one[1]) < 0
    )


def _is_on(edge: _Edge, point: _Point) -> bool:
    return _side(*edge, point) == 0 and all(
        min(a, b) - _TOLERANCE <= each <= max(a, b) + _TOLERANCE
        for a, b, each in zip(*edge, point, strict=True)
    )
