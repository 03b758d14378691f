"""The worker's side: load a function's index.py and answer one invocation a line.

This file is run as a script in the function's folder, with its own interpreter. It uses the
standard library only, so that a function sees nothing that the platform does not give it.
"""

import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

_SOURCE = "index.py"
_HANDLER = "main"


def main() -> None:
    """Answer invocations until the emulator closes the pipe."""
    # A terminal sends Ctrl-C here too, but when a worker ends is the emulator's to say. A handler,
    # because what is ignored stays so in the processes that a function starts.
    signal.signal(signal.SIGINT, lambda *_: None)
    # The pipes are ours alone: what the function prints goes to its log, and it has nothing to
    # read, nor has any process that it starts.
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # As PYTHONPATH=/var/user does on the platform; Python had put this file's folder there.
    sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib is slow to import
    handler, failure = _load()
    for line in requests:
        call = json.loads(line)
        # Each invocation has variables of its own, which the platform sets like this.
        os.environ.update(json.loads(call["context"]["environment"]))
        answer = failure or _invoke(handler, call["event"], call["context"])  # type: ignore[arg-type]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _load() -> tuple[Callable[[Any, Any], Any] | None, dict[str, Any] | None]:
    try:
        spec = importlib.util.spec_from_file_location("index", os.path.abspath(_SOURCE))  # noqa: PTH100
        assert spec is not None  # noqa: S101 - there is a loader for .py
        assert spec.loader is not None  # noqa: S101
        module = importlib.util.module_from_spec(spec)
        sys.modules["index"] = module
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - SystemExit too is a module that did not load
        return None, _failed("load", error)
    return _handler_of(module)


def _handler_of(
    module: ModuleType,
) -> tuple[Callable[[Any, Any], Any] | None, dict[str, Any] | None]:
    handler = getattr(module, _HANDLER, None)
    if callable(handler):
        return handler, None
    message = f"{module.__file__} has no function {_HANDLER}(event, context)"
    return None, {"failed": "handler", "message": message, "stack": ""}


def _invoke(handler: Callable[[Any, Any], Any], event: Any, context: Any) -> dict[str, Any]:
    try:
        result = handler(event, context)
        # Checked here, where the function's own frames can still be blamed.
        json.dumps(result, allow_nan=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the function's answer
        return _failed("call", error)
    return {"result": result}


def _failed(step: str, error: BaseException) -> dict[str, Any]:
    trace = traceback.TracebackException.from_exception(error)
    own = {__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"}
    trace.stack[:] = [frame for frame in trace.stack if frame.filename not in own]
    return {"failed": step, "message": str(error), "stack": "".join(trace.format()).rstrip()}


if __name__ == "__main__":
    main()
