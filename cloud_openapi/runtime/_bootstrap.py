"""The Python worker: load a function's module, and answer one invocation for each line.

This file runs as a script in the function's folder, in an interpreter of its own. It imports the
standard library only, so that a function sees no package that the platform does not have.
Arguments: the task (file, handler, …) as JSON, the descriptors of requests and answers.
"""

from __future__ import annotations  # an upload is tried with the Python of its runtime

import contextlib
import errno
import importlib.util
import json
import logging
import os
import resource
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    Handler = Callable[[Any, Any], Any]
    Answer = dict[str, Any]

_MOST_BYTES = 6 * 1024 * 1024
_usage = resource.getrusage  # the function may replace it


def main() -> None:
    """Answer invocations until the emulator closes the pipe."""
    task, requests, answers = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for descriptor in (requests, answers):
        os.set_inheritable(descriptor, False)  # noqa: FBT003
    sys.argv[1:] = []
    worker = os.getpid()
    _prepare(task["packages"], task["platform"])
    if task["read_only"] and hasattr(sys, "addaudithook"):  # Python 3.8
        _make_read_only(os.path.realpath(os.getcwd()))  # noqa: PTH109 - pathlib is slow to import
    clock = _Clock()
    clock.set(task["clock"])
    handler, failure = _load(task["file"], task["handler"])
    _answer(answers, json.dumps(failure or {}).encode())
    former: dict[str, str | None] = {}
    with os.fdopen(requests, encoding="utf-8") as lines:
        for line in lines:
            call = json.loads(line)
            clock.set(call.get("clock"))
            _set_variables(json.loads(call["context"]["environment"]), former)
            answer = _invoke(handler, call) if handler else json.dumps(failure).encode()
            if os.getpid() != worker:
                os._exit(0)  # a child forked by the function; its parent answers
            _answer(answers, answer)


def _prepare(packages: list[str], platform: dict[str, list[str]]) -> None:
    # Line buffering: the lines of a process that is killed are not lost.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    root.addHandler(logging.StreamHandler(sys.stdout))
    if "CLOUD_OPENAPI_VERBOSE" not in os.environ:
        root.handlers[-1].addFilter(_is_of_the_function)
    # Like the platform's PYTHONPATH=/var/user; replaces this file's folder.
    own = [os.getcwd(), *packages]  # noqa: PTH109 - pathlib is slow to import
    # With -I, Python has not added this file's folder.
    sys.path[:] = own + [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*own, os.environ.get("PYTHONPATH")]))
    if platform:
        sys.meta_path.append(_Platform(platform["names"], platform["paths"]))
        _module("_preload/sitecustomize.py").main()  # with -I, Python has not run it


def _is_of_the_function(record: logging.LogRecord) -> bool:
    """Return whether to print a record: libraries print warnings, unless the function sets a level.

    The platform prints their debug lines too.
    """
    if record.levelno >= logging.WARNING or record.pathname.startswith(os.getcwd() + os.sep):  # noqa: PTH109
        return True
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None and logger.parent is not None:
        if logger.level != logging.NOTSET:
            return True
        logger = logger.parent
    return False


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# The events whose first arguments are files or folders that are changed.
_CHANGES = {"chmod", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate", "utime"}


def _make_read_only(folder: str) -> None:
    """Refuse changes in a folder, as its file system does: modes do not keep root from them."""
    changes = {f"os.{name}" for name in _CHANGES}

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        is_open = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if not is_open and event not in changes:
            return
        for given in arguments[: 1 if is_open else 2]:
            path = os.fsdecode(given) if isinstance(given, (str, bytes)) else ""
            if path and os.path.realpath(path).startswith(folder + os.sep):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    sys.addaudithook(refuse)


class _Platform:
    """Import finder that hides installed packages which the platform does not have."""

    def __init__(self, names: Iterable[str], paths: list[str]) -> None:
        self._names = frozenset(names)
        self._paths = paths

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        from importlib.machinery import PathFinder  # noqa: PLC0415

        if path is None and name in self._names:
            return PathFinder.find_spec(name, self._paths, target)
        return None


class _Clock:
    """The clock that the function sees; a monotonic clock is always the machine's."""

    def __init__(self) -> None:
        self._given: list[float] | None = None
        self._travel: Any = None

    def set(self, given: list[float] | None) -> None:
        """Show a clock of the emulator, or with None the machine's.

        The items are the seconds since 1970 at which it stands still, None while it runs, and the
        seconds that it is before the machine's.
        """
        if given == self._given:
            return
        if self._travel is not None:
            self._travel.stop()
        self._given, self._travel = given, None
        if given is not None:
            frozen_at, offset = given
            runs = frozen_at is None
            now = time.time()  # noqa: TID251 - the machine's, as nothing moves it now
            destination = now + offset if runs else frozen_at
            self._travel = _time_machine().travel(destination, tick=runs)
            self._travel.start()


def _time_machine() -> Any:
    # It would load pytest where that is installed, which takes longer than the rest.
    has_pytest = "pytest" in sys.modules
    sys.modules.setdefault("pytest", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("time_machine")
    finally:
        if not has_pytest:
            del sys.modules["pytest"]


def _load(file: str, name: str) -> tuple[Handler | None, Answer | None]:
    module_name = os.path.splitext(os.path.basename(file))[0]  # noqa: PTH119, PTH122
    try:
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None  # noqa: S101 - there is a loader for .py
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - SystemExit too means that the module did not load
        return None, _failed("load", error)
    return _handler_of(module, name)


def _handler_of(module: ModuleType, name: str) -> tuple[Handler | None, Answer | None]:
    handler = getattr(module, name, None)
    if callable(handler):
        return handler, None
    own = [key for key, value in vars(module).items() if type(value) is type(main)]
    there = f"; it has {', '.join(own)}" if own else ""
    if hasattr(module, name):
        there = f"; its {name} is of type {type(handler).__name__}"
    message = f"{module.__file__} has no function {name}(event, context){there}"
    return None, {"failed": "handler", "message": message, "stack": ""}


def _set_variables(variables: dict[str, str], former: dict[str, str | None]) -> None:
    """Set an invocation's variables, and restore those that only the previous one had.

    ``former`` holds the values that were there before any invocation, None if unset.
    """
    for name in former.keys() - variables.keys():
        value = former.pop(name)
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    for name, value in variables.items():
        # Most values are unchanged, and comparing is cheaper than setting.
        current = os.environ.get(name)
        if current != value:
            former.setdefault(name, current)
            os.environ[name] = value


def _invoke(handler: Handler, call: dict[str, Any]) -> bytes:
    try:
        result = handler(call["event"], call["context"])
        text = _written(result)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - any exception is the answer
        return json.dumps(_failed("call", error)).encode()
    try:
        data = text.encode()
    except UnicodeEncodeError:
        # A lone surrogate cannot be encoded as UTF-8, but it can be escaped in JSON.
        data = json.dumps(json.loads(text)).encode()
    if len(data) > _MOST_BYTES and len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        return b'{"failed": "size", "message": "", "stack": ""}'
    return b'{"result": ' + data + b"}"


def _written(result: Any) -> str:
    """Return a result as JSON. Raises an error with the place that is not JSON, and a fix."""
    try:
        return _ENCODER.encode(result)
    except RecursionError:
        raise
    except (TypeError, ValueError):
        error = _find_json_error(result)
        if error is None:
            raise  # raised by a method of the result itself
    raise error


def _text_of_decimal(value: Any) -> str:
    # As the platform does. Every other type is an error.
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_text_of_decimal)


def _find_json_error(result: Any) -> Exception | None:
    # Loaded on demand, to keep the start of a worker fast.
    error: Exception | None = _module("_json_error.py").json_error(result, _text_of_decimal)
    return error


def _module(file: str) -> Any:
    """Return a module of this package, which the function itself cannot import."""
    path = os.path.join(os.path.dirname(__file__), file)  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location("_own", path)
    assert spec is not None  # noqa: S101 - there is a loader for .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _failed(step: str, error: BaseException) -> Answer:
    trace = traceback.TracebackException.from_exception(error)
    _keep_own_frames(trace)
    stack = "".join(trace.format()).rstrip()
    message = stack.rpartition("\n")[2]
    with contextlib.suppress(Exception):  # str() of the function's own class may raise
        message = str(error)
    missing = isinstance(error, ImportError)
    if missing:
        where = f"working directory {os.getcwd()}, looked in {', '.join(sys.path)}"  # noqa: PTH109
        message = f"{type(error).__name__}: {message} ({where})"
    return {"failed": step, "message": message, "stack": stack, "missing": missing}


def _keep_own_frames(whole: traceback.TracebackException) -> None:
    own = (
        __file__,
        json.__file__,
        json.encoder.__file__,
        "<frozen importlib._bootstrap>",
        "<frozen importlib._bootstrap_external>",
    )
    left = [whole]
    while left:
        trace = left.pop()
        trace.stack[:] = [frame for frame in trace.stack if frame.filename not in own]
        chained = (trace.__cause__, trace.__context__, *(getattr(trace, "exceptions", None) or ()))
        left.extend(other for other in chained if other is not None)


def _answer(descriptor: int, answer: bytes) -> None:
    """Send an answer, and the peak of this process's memory in KiB.

    macOS has another unit, and no limit.
    """
    for stream in (sys.stdout, sys.stderr):
        # The function may have closed or replaced the stream.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    peak = _usage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "linux" else 0
    data = memoryview(b"%b\t%d\n" % (answer, peak))
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
