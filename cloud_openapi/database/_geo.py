"""The geometries of ``db.Geo``: GeoJSON with the longitude first, in degrees."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloud_openapi.database._values import Encodable
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import kind_of

_LIMITS: Final = {"longitude": 180, "latitude": 90}


@dataclass(frozen=True)
class Geometry(Encodable):
    """A geometry. The constructors raise CloudSDKError with the SDK's texts."""

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of GeoJSON."""
        raise NotImplementedError

    def toJSON(self) -> dict[str, Any]:
        """Return the geometry as GeoJSON."""
        return {"type": type(self).__name__, "coordinates": self.coordinates}


@dataclass(frozen=True)
class Point(Geometry):
    """A place."""

    longitude: float
    latitude: float

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            degrees = getattr(self, name)
            if isinstance(degrees, bool) or not isinstance(degrees, int | float):
                raise CloudSDKError(-1, "Geo Point must be number type")
            # A comparison with NaN is false.
            if not -most <= degrees <= most:
                raise CloudSDKError(-1, f"{name} should be a number ranges from -{most} to {most}")

    @property
    def coordinates(self) -> list[Any]:
        """Return the longitude and the latitude."""
        return [self.longitude, self.latitude]


@dataclass(frozen=True)
class LineString(Geometry):
    """A line through at least two points."""

    points: Sequence[Point]

    def __post_init__(self) -> None:
        _check(self.points, "points", Point, 2, '"points" must contain 2 points at least')

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of each point."""
        return _coordinates(self.points)


@dataclass(frozen=True)
class Polygon(Geometry):
    """An area: a closed line around it, then those around its holes."""

    lines: Sequence[LineString]

    def __post_init__(self) -> None:
        _check(self.lines, "lines", LineString, 1, "Polygon must contain 1 linestring at least")
        for line in self.lines:
            if line.points[0] != line.points[-1]:
                shown = ",".join(f"[{one.longitude},{one.latitude}]" for one in line.points)
                raise CloudSDKError(-1, f"LineString {shown} is not a closed cycle")

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of each line."""
        return _coordinates(self.lines)


@dataclass(frozen=True)
class MultiPoint(Geometry):
    """At least one point."""

    points: Sequence[Point]

    def __post_init__(self) -> None:
        _check(self.points, "points", Point, 1, '"points" must contain 1 point at least')

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of each point."""
        return _coordinates(self.points)


@dataclass(frozen=True)
class MultiLineString(Geometry):
    """At least one line."""

    lines: Sequence[LineString]

    def __post_init__(self) -> None:
        _check(self.lines, "lines", LineString, 1, "Polygon must contain 1 linestring at least")

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of each line."""
        return _coordinates(self.lines)


@dataclass(frozen=True)
class MultiPolygon(Geometry):
    """At least one polygon."""

    polygons: Sequence[Polygon]

    def __post_init__(self) -> None:
        few = "MultiPolygon must contain 1 polygon at least"
        _check(self.polygons, "polygons", Polygon, 1, few)

    @property
    def coordinates(self) -> list[Any]:
        """Return the coordinates of each polygon."""
        return _coordinates(self.polygons)


class Geo:
    """The namespace ``db.Geo``."""

    Point = Point
    LineString = LineString
    Polygon = Polygon
    MultiPoint = MultiPoint
    MultiLineString = MultiLineString
    MultiPolygon = MultiPolygon


def with_geometries(value: Any) -> Any:
    """Return a value of a document with each GeoJSON object as a geometry."""
    if isinstance(value, list):
        return [with_geometries(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"type", "coordinates"}:
        # As in the SDK, an object that only looks like GeoJSON stays one.
        try:
            return _READERS[value["type"]](value["coordinates"])
        except (CloudSDKError, KeyError, TypeError, ValueError):
            return value
    return {name: with_geometries(each) for name, each in value.items()}


def received(value: Any) -> str:
    """Return JavaScript's ``typeof``."""
    kind = kind_of(value)
    return kind if kind in {"string", "number", "boolean"} else "object"


def _check(parts: Sequence[Any], name: str, kind: type, least: int, few: str) -> None:
    text = f'"{name}" must be of type {kind.__name__}[]. Received type '
    if not isinstance(parts, list | tuple):
        raise CloudSDKError(-1, text + received(parts))
    if len(parts) < least:
        raise CloudSDKError(-1, few)
    for part in parts:
        if not isinstance(part, kind):
            one = text.replace('"polygons"', '"polygon"')
            raise CloudSDKError(-1, f"{one}{received(part)}[]")


def _coordinates(parts: Iterable[Geometry]) -> list[Any]:
    return [part.coordinates for part in parts]


def _point(coordinates: Any) -> Point:
    longitude, latitude = coordinates
    return Point(longitude, latitude)


def _line(coordinates: Any) -> LineString:
    return LineString([_point(each) for each in coordinates])


def _polygon(coordinates: Any) -> Polygon:
    return Polygon([_line(each) for each in coordinates])


_READERS: Final[Mapping[str, Any]] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": lambda each: MultiPoint([_point(one) for one in each]),
    "MultiLineString": lambda each: MultiLineString([_line(one) for one in each]),
    "MultiPolygon": lambda each: MultiPolygon([_polygon(one) for one in each]),
}
