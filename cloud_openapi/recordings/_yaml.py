"""Read YAML as VCR.py writes it: without running anything, and within limits.

PyYAML's safe loader refuses the tags by which VCR.py keeps files, iterators and tuples of a
request. Here they are read as plain values. No class of a tag is imported or called.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cloud_openapi.errors import RecordingError

_PYTHON = "tag:yaml.org,2002:python/"
_DEEPEST = 64
_TOO_DEEP = f"is nested more than {_DEEPEST} deep, the limit"
# A text that is deeper yet is refused by libyaml itself, since PyYAML 6.0.4.
_LIBYAMLS_DEPTH = "exceeded maximum nesting depth"
_MOST_REPEATED = 16 * 2**20
"""The most characters that aliases may add to a file."""
_LONGEST_NUMBER = 300
"""PyYAML reads a longer number, such as 1:1:1:1, in quadratic time."""
_STANDARD = {
    "bool": "bool",
    "bytes": "binary",
    "dict": "map",
    "float": "float",
    "int": "int",
    "list": "seq",
    "long": "int",
    "none": "null",
    "str": "str",
    "tuple": "seq",
    "unicode": "str",
}
"""Tags of PyYAML's unsafe dumper, with the standard tag that reads the same value."""
_OBJECTS = (
    "_io.BufferedReader",
    "_io.BytesIO",
    "_io.StringIO",
    "__builtin__.bytearray",
    "__builtin__.iter",
    "builtins.bytearray",
    "builtins.iter",
    "http.HTTPStatus",
    "multidict._multidict.istr",
)
"""Objects whose value is in their first argument, or in the first part of their state."""


def read_yaml(text: str) -> Any:
    """Return the value of a YAML text. Raises RecordingError, whose text names the line."""
    yaml = yaml_library()
    try:
        _check_limits(yaml, text)
        return yaml.load(text, _loader())
    except RecordingError:
        raise
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # Besides YAMLError, PyYAML raises these for a value that does not fit its tag: `!!int ''`.
        # Only the reason is shown: the surrounding text may contain a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or type(error).__name__
        if reason == _LIBYAMLS_DEPTH:
            raise RecordingError(_TOO_DEEP) from None
        raise RecordingError(
            f"is not YAML as VCR.py writes it{where}: {reason}. Record it again, or remove it"
        ) from None


def yaml_library() -> Any:
    """Return PyYAML, which JSON cassettes do not need. Raises RecordingError if missing."""
    try:
        import yaml  # noqa: PLC0415
    except ModuleNotFoundError:
        raise RecordingError("YAML needs PyYAML: pip install 'pyyaml>=6.0'") from None
    return yaml


def _check_limits(yaml: Any, text: str) -> None:
    """Raise RecordingError for depth, which crashes libyaml, and for repetition by aliases."""
    sizes, anchors, open_anchors = [0], dict[str, int](), list[str | None]()
    for event in yaml.parse(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            if anchor in open_anchors:
                raise RecordingError(f"has an alias of itself in line {event.start_mark.line + 1}")
            sizes[-1] += anchors.get(event.anchor, 0)
        elif isinstance(event, yaml.CollectionStartEvent):
            sizes.append(1)
            open_anchors.append(anchor)
            if len(sizes) > _DEEPEST:
                raise RecordingError(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent | yaml.ScalarEvent):
            is_end = isinstance(event, yaml.CollectionEndEvent)
            size = sizes.pop() if is_end else 1 + len(event.value)
            anchor = open_anchors.pop() if is_end else anchor
            if anchor:
                anchors[anchor] = size
            sizes[-1] += size
        if sizes[-1] > 2 * len(text) + _MOST_REPEATED:
            raise RecordingError(
                f"its aliases repeat more than {_MOST_REPEATED // 2**20} MiB, the limit"
            )


@lru_cache(maxsize=1)
def _loader() -> Any:
    yaml = yaml_library()

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """The safe loader with the harmless tags of VCR.py."""

    for kind in ("int", "float"):
        tag = f"tag:yaml.org,2002:{kind}"
        Loader.add_constructor(tag, _short_number(Loader.yaml_constructors[tag]))
    known = Loader.yaml_constructors
    for name, standard in _STANDARD.items():
        Loader.add_constructor(_PYTHON + name, known[f"tag:yaml.org,2002:{standard}"])
    for name in _OBJECTS:
        Loader.add_constructor(f"{_PYTHON}object/new:{name}", _value_of_object)
        Loader.add_constructor(f"{_PYTHON}object/apply:{name}", _value_of_object)
    return Loader


def _short_number(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def number(loader: Any, node: Any) -> Any:
        if len(node.value) > _LONGEST_NUMBER:
            raise RecordingError(
                f"has a number of more than {_LONGEST_NUMBER} characters, the limit,"
                f" in line {node.start_mark.line + 1}; put it in quotes"
            )
        return construct(loader, node)

    return number


def _value_of_object(loader: Any, node: Any) -> Any:
    """Return a scalar, or the joined pieces of a file or an iterator."""
    if node.id == "mapping":
        held = loader.construct_mapping(node, deep=True)
    else:
        held = {"args": loader.construct_sequence(node, deep=True)}
    state, arguments = held.get("state"), held.get("args") or [b""]
    first, *more = state if isinstance(state, list | tuple) else arguments
    if isinstance(first, list | tuple):
        return b"".join(map(_piece, first))
    # A bytearray is kept as text.
    return first.encode("latin-1") if more[:1] == ["latin-1"] else first


def _piece(value: Any) -> bytes:
    if isinstance(value, int):
        return bytes([value])
    return value.encode() if isinstance(value, str) else memoryview(value).tobytes()
