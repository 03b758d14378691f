"""The worker's side in Python: load a function's module and answer one invocation a line.

This file is run as a script in the function's folder, with its own interpreter. It uses the
standard library only, so that a function sees nothing that the platform does not give it.
Arguments: what to load, as JSON; the descriptors of the requests and of the answers.
"""

import contextlib
import importlib.util
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

_MOST_BYTES = 6 * 1024 * 1024

Handler = Callable[[Any, Any], Any]
Answer = dict[str, Any]


def main() -> None:
    """Answer invocations until the emulator closes the pipe."""
    task, requests, answers = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for descriptor in (requests, answers):
        os.set_inheritable(descriptor, False)  # noqa: FBT003
    sys.argv[1:] = []
    worker = os.getpid()
    _prepare(task["packages"], task["platform"])
    handler, failure = _load(task["file"], task["handler"])
    _answer(answers, json.dumps(failure or {}).encode())
    former: dict[str, str | None] = {}
    with os.fdopen(requests, encoding="utf-8") as lines:
        for line in lines:
            call = json.loads(line)
            _set_variables(json.loads(call["context"]["environment"]), former)
            answer = _invoke(handler, call) if handler else json.dumps(failure).encode()
            if os.getpid() != worker:
                os._exit(0)  # the function forked; the answer is its parent's to give
            _answer(answers, answer)


def _prepare(packages: list[str], platform: dict[str, list[str]]) -> None:
    # Lines come as they are printed: of a process that is killed, too.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    root.addHandler(logging.StreamHandler(sys.stdout))
    # As PYTHONPATH=/var/user does on the platform; Python had put this file's folder there.
    own = [os.getcwd(), *packages]  # noqa: PTH109 - pathlib is slow to import
    # python -I puts no folder there.
    sys.path[:] = own + [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*own, os.environ.get("PYTHONPATH")]))
    if platform:
        sys.meta_path.append(_Platform(platform["names"], platform["paths"]))


class _Platform:
    """Finds what the platform has installed, and nothing else that is installed here."""

    def __init__(self, names: Iterable[str], paths: list[str]) -> None:
        self._names = frozenset(names)
        self._paths = paths

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        from importlib.machinery import PathFinder  # noqa: PLC0415

        if path is None and name in self._names:
            return PathFinder.find_spec(name, self._paths, target)
        return None


def _load(file: str, name: str) -> tuple[Handler | None, Answer | None]:
    module_name = os.path.splitext(os.path.basename(file))[0]  # noqa: PTH119, PTH122
    try:
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None  # noqa: S101 - there is a loader for .py
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - SystemExit too is a module that did not load
        return None, _failed("load", error)
    return _handler_of(module, name)


def _handler_of(module: ModuleType, name: str) -> tuple[Handler | None, Answer | None]:
    handler = getattr(module, name, None)
    if callable(handler):
        return handler, None
    own = [key for key, value in vars(module).items() if type(value) is type(main)]
    there = f"; it has {', '.join(own)}" if own else ""
    message = f"{module.__file__} has no function {name}(event, context){there}"
    return None, {"failed": "handler", "message": message, "stack": ""}


def _set_variables(variables: dict[str, str], former: dict[str, str | None]) -> None:
    """Set the variables of an invocation, as the platform does; those of the one before end.

    ``former`` has what there was in their place.
    """
    for name in former.keys() - variables.keys():
        value = former.pop(name)
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    for name, value in variables.items():
        # Most of them stay what they are, and to look is cheaper than to set.
        if os.environ.get(name) != value:
            former.setdefault(name, os.environ.get(name))
            os.environ[name] = value


def _invoke(handler: Handler, call: dict[str, Any]) -> bytes:
    try:
        result = handler(call["event"], call["context"])
        text = _written(result)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the function's answer
        return json.dumps(_failed("call", error)).encode()
    try:
        data = text.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form, but it has one in JSON.
        data = json.dumps(json.loads(text)).encode()
    if len(data) > _MOST_BYTES and len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        return b'{"failed": "size", "message": "", "stack": ""}'
    return b'{"result": ' + data + b"}"


def _written(result: Any) -> str:
    """Return a result as JSON. Raises what tells where it is none, and what to return instead."""
    try:
        return json.dumps(result, ensure_ascii=False, allow_nan=False, default=_text_of_decimal)
    except RecursionError:
        raise
    except (TypeError, ValueError):
        flaw = _find_flaw(result)
        if flaw is None:
            raise  # a method of the result's own has raised it
    raise flaw


def _text_of_decimal(value: Any) -> str:
    # As the platform does; every other type is refused.
    decimal = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError


def _find_flaw(result: Any) -> Exception | None:
    # Loaded when it is needed only, for this is read at every start.
    file = os.path.join(os.path.dirname(__file__), "_flaw.py")  # noqa: PTH118, PTH120
    spec = importlib.util.spec_from_file_location("_flaw", file)
    assert spec is not None  # noqa: S101 - there is a loader for .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    flaw: Exception | None = module.flaw_of(result, _text_of_decimal)
    return flaw


def _failed(step: str, error: BaseException) -> Answer:
    trace = traceback.TracebackException.from_exception(error)
    _keep_own_frames(trace)
    stack = "".join(trace.format()).rstrip()
    message = stack.rpartition("\n")[2]
    with contextlib.suppress(Exception):  # the function's own class may have no text
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
    for stream in (sys.stdout, sys.stderr):
        # The function may have closed or replaced it.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    data = memoryview(answer + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
