"""Find cloud functions in a folder and run them in worker processes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloud_openapi.runtime._exports import *  # noqa: F403
    from cloud_openapi.runtime._exports import __all__ as __all__


def __getattr__(name: str) -> Any:
    # Completion in a shell needs the names of functions alone, and must be fast.
    exports = import_module("cloud_openapi.runtime._exports")
    if name != "__all__" and name not in exports.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(exports, name)
