import json
import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from cloud_openapi.periods import NOW_VARIABLE
from cloud_openapi.runtime._worker import Worker, WorkerExitError, WorkerTimeoutError

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,58}[a-zA-Z0-9]")
# What the developer tools call the environment of local debugging.
_ENVIRONMENT = "local"
_MEMORY_MB = 256
_DEFAULT_TIMEOUT = 5.0
# An invocation holds a thread of the server, and its function's own calls need one each: half of
# the server's threads for either, or they would wait for one another.
_CONCURRENCY = 16

# errorMessage and statusCode of https://cloud.tencent.com/document/product/583/42611
_FAILURES = {"call": 430, "handler": 437, "load": 443}
_EVENT, _LIMIT, _TIMEOUT, _EXIT = 400, 432, 433, 439


class Outcome(NamedTuple):
    """What an invocation gave: the function's value and 200, or an error object and its status."""

    result: Any
    status: int


class Functions:
    """The Python functions of a folder, each in worker processes of its own.

    ``environment`` is what the workers get beside this process's variables, none of which named
    CLOUD_OPENAPI_* is handed on. The folder may be missing: then there are no functions.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        timeout: float = _DEFAULT_TIMEOUT,
    ) -> None:
        self.folder = folder.resolve()
        self._timeout = timeout
        own = {k: v for k, v in os.environ.items() if not k.startswith("CLOUD_OPENAPI_")}
        self._environment = {**own, "PYTHONDONTWRITEBYTECODE": "x", **environment}
        self._lock = threading.Lock()
        self._running = threading.BoundedSemaphore(_CONCURRENCY)
        self._idle: dict[str, list[tuple[_Fingerprint, Worker]]] = {}
        self._busy: set[Worker] = set()
        self._closed = False

    def __iter__(self) -> Iterator[str]:
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return (folder.name for folder in folders if folder.name in self)

    def __contains__(self, name: object) -> bool:
        return (
            isinstance(name, str)
            and _NAME.fullmatch(name) is not None
            # A file system that folds case must not make two names of one function.
            and any(entry == name for entry in self._entries())
            and (self.folder / name / "index.py").is_file()
        )

    def invoke(self, name: str, event: Any, now: datetime) -> Outcome:
        """Run ``main(event, context)`` of a function; ``now`` is the time that it is told.

        Raises KeyError for a name that is none of the functions.
        """
        if name not in self:
            raise KeyError(name)
        request_id = str(uuid.uuid4())
        if not self._running.acquire(blocking=False):
            return _error(f"{_CONCURRENCY} invocations are running already", request_id, _LIMIT)
        try:
            return self._run(name, event, now, request_id)
        finally:
            self._running.release()

    def close(self) -> None:
        """End every worker, whatever it is doing."""
        with self._lock:
            self._closed = True
            idle = [worker for pool in self._idle.values() for _, worker in pool]
            self._idle = {}
            for worker in self._busy:
                # The thread that waits for its answer sees it end, and closes it.
                worker.kill()
        for worker in idle:
            worker.close()

    def _run(self, name: str, event: Any, now: datetime, request_id: str) -> Outcome:
        try:
            call = json.dumps({"event": event, "context": self._context(name, now, request_id)})
        except RecursionError:
            return _error("The event is nested too deeply", request_id, _EVENT)
        state = _fingerprint(self.folder / name)
        worker = self._take(name, state)
        keep = False
        try:
            answer = worker.invoke(call, self._timeout)
            keep = answer.get("failed") not in ("load", "handler")
        except WorkerTimeoutError:
            message = f"Invoking task timed out after {self._timeout:g} seconds"
            return _error(message, request_id, _TIMEOUT)
        except WorkerExitError:
            return _error("User process exit when running", request_id, _EXIT)
        finally:
            self._give_back(name, state, worker, keep=keep)
        if "failed" not in answer:
            return Outcome(answer["result"], 200)
        status = _FAILURES[answer["failed"]]
        message = "user code exception caught" if status == _FAILURES["call"] else answer["message"]
        return _error(message, request_id, status, stackTrace=answer["stack"])

    def _context(self, name: str, now: datetime, request_id: str) -> dict[str, str | int]:
        """Return the platform's keys and types; a local mini program has no real numbers."""
        variables = {"SCF_NAMESPACE": _ENVIRONMENT, "TCB_ENV": _ENVIRONMENT}
        variables[NOW_VARIABLE] = now.isoformat()
        return {
            "request_id": request_id,
            "function_name": name,
            "function_version": "$LATEST",
            "namespace": _ENVIRONMENT,
            "memory_limit_in_mb": _MEMORY_MB,
            "time_limit_in_ms": int(self._timeout * 1000),
            "environment": json.dumps(variables),
            "environ": ";".join(f"{key}={value}" for key, value in variables.items()),
            "tencentcloud_region": "local",
            "tencentcloud_appid": "0",
            "tencentcloud_uin": "0",
        }

    def _take(self, name: str, state: "_Fingerprint") -> Worker:
        stale = []
        found = None
        with self._lock:
            pool = self._idle.setdefault(name, [])
            while pool and found is None:
                loaded, worker = pool.pop()
                if loaded == state and worker.alive:
                    found = worker
                else:
                    stale.append(worker)
        for worker in stale:
            worker.close()
        if found is None:
            folder = self.folder / name
            config = {"CLOUD_OPENAPI_CONFIG": str(folder / "config.json")}
            found = Worker(folder, {**self._environment, **config})
        with self._lock:
            self._busy.add(found)
        return found

    def _give_back(self, name: str, state: "_Fingerprint", worker: Worker, *, keep: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            keep = keep and not self._closed
            if keep:
                self._idle.setdefault(name, []).append((state, worker))
        if not keep:
            worker.close()

    def _entries(self) -> list[str]:
        try:
            return os.listdir(self.folder)  # noqa: PTH208 - names are all that is wanted
        except OSError:
            return []


_Fingerprint = tuple[tuple[str, int, int], ...]


def _fingerprint(folder: Path) -> _Fingerprint:
    """Return what changes when a file of the folder does."""
    return tuple(
        (str(path), status.st_mtime_ns, status.st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for status in (path.stat(),)
    )


def _error(message: str, request_id: str, status: int, **more: str) -> Outcome:
    body = {"errorCode": -1, "errorMessage": message, "requestId": request_id, **more}
    return Outcome({**body, "statusCode": status}, status)
