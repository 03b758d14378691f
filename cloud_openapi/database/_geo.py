"""The geometries of ``db.Geo``: GeoJSON with the longitude first, in degrees."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from cloud_openapi.database._values import Encodable
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import kind_of

_LIMITS: Final = {"longitude": 180, "latitude": 90}


class Geometry(Encodable):
    """A geometry. The constructors raise CloudSDKError with the SDK's texts."""

    coordinates: list[Any]
    """The coordinates of GeoJSON."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.coordinates})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Geometry) and self.toJSON() == other.toJSON()

    def __hash__(self) -> int:
        return hash(repr(self))

    def toJSON(self) -> dict[str, Any]:
        """Return the geometry as GeoJSON."""
        return {"type": type(self).__name__, "coordinates": self.coordinates}


class Point(Geometry):
    """A place."""

    def __init__(self, longitude: float, latitude: float) -> None:
        for (name, most), degrees in zip(_LIMITS.items(), (longitude, latitude), strict=True):
            if isinstance(degrees, bool) or not isinstance(degrees, int | float):
                raise CloudSDKError(-1, "Geo Point must be number type")
            # A comparison with NaN is false.
            if not -most <= degrees <= most:
                raise CloudSDKError(-1, f"{name} should be a number ranges from -{most} to {most}")
        self.longitude = longitude
        self.latitude = latitude
        self.coordinates = [longitude, latitude]


class _Composite(Geometry):
    """A geometry of parts of one kind."""

    _part: ClassVar[type[Geometry]]
    _name: ClassVar[str]
    _few: ClassVar[str]
    _least: ClassVar[int] = 1

    def __init__(self, parts: Sequence[Any]) -> None:
        of = f"must be of type {self._part.__name__}[]. Received type"
        if not isinstance(parts, list | tuple):
            raise CloudSDKError(-1, f'"{self._name}" {of} {received(parts)}')
        if len(parts) < self._least:
            raise CloudSDKError(-1, self._few)
        for part in parts:
            if not isinstance(part, self._part):
                name = "polygon" if self._name == "polygons" else self._name
                raise CloudSDKError(-1, f'"{name}" {of} {received(part)}[]')
        self.coordinates = [part.coordinates for part in parts]


class LineString(_Composite):
    """A line through at least two points."""

    _part, _name, _least = Point, "points", 2
    _few = '"points" must contain 2 points at least'


class MultiPoint(_Composite):
    """At least one point."""

    _part, _name = Point, "points"
    _few = '"points" must contain 1 point at least'


class MultiLineString(_Composite):
    """At least one line."""

    _part, _name = LineString, "lines"
    _few = "Polygon must contain 1 linestring at least"


class Polygon(_Composite):
    """An area: a closed line around it, then those around its holes."""

    _part, _name = LineString, "lines"
    _few = "Polygon must contain 1 linestring at least"

    def __init__(self, parts: Sequence[Any]) -> None:
        super().__init__(parts)
        for line in self.coordinates:
            if line[0] != line[-1]:
                shown = ",".join(f"[{longitude},{latitude}]" for longitude, latitude in line)
                raise CloudSDKError(-1, f"LineString {shown} is not a closed cycle")


class MultiPolygon(_Composite):
    """At least one polygon."""

    _part, _name = Polygon, "polygons"
    _few = "MultiPolygon must contain 1 polygon at least"


class Geo:
    """The namespace ``db.Geo``."""

    Point = Point
    LineString = LineString
    Polygon = Polygon
    MultiPoint = MultiPoint
    MultiLineString = MultiLineString
    MultiPolygon = MultiPolygon


_KINDS: Final[Mapping[str, type[Geometry]]] = {
    kind.__name__: kind
    for kind in (Point, LineString, Polygon, MultiPoint, MultiLineString, MultiPolygon)
}


def with_geometries(value: Any) -> Any:
    """Return a value of a document with each GeoJSON object as a geometry."""
    if isinstance(value, list):
        return [with_geometries(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"type", "coordinates"}:
        # An object that only looks like GeoJSON stays one.
        try:
            return _read(_KINDS[value["type"]], value["coordinates"])
        except (CloudSDKError, KeyError, TypeError):
            return value
    return {name: with_geometries(each) for name, each in value.items()}


def received(value: Any) -> str:
    """Return JavaScript's ``typeof``."""
    kind = kind_of(value)
    return kind if kind in {"string", "number", "boolean"} else "object"


def _read(kind: type[Geometry], coordinates: Any) -> Geometry:
    if issubclass(kind, _Composite):
        return kind([_read(kind._part, each) for each in coordinates])  # noqa: SLF001 - of this module
    return Point(*coordinates)
