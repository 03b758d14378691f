import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from datetime import datetime
from functools import cache, partial
from hmac import compare_digest
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud_openapi import clocks
from cloud_openapi.errors import one_line
from cloud_openapi.forks import renew_in_children
from cloud_openapi.runtime._context import (
    Credentials,
    Invocation,
    StandIn,
    appid_of,
    new_request_id,
    process_environment,
    variables_of,
)
from cloud_openapi.runtime._debug_port import DebugPort
from cloud_openapi.runtime._descriptors import reason_of
from cloud_openapi.runtime._discovery import Folder, Function
from cloud_openapi.runtime._files import MOST_WATCHED
from cloud_openapi.runtime._invocation import GOOD, Execution
from cloud_openapi.runtime._log import InvocationLog, Line, Log, Logs
from cloud_openapi.runtime._moved_clock import MovedClock
from cloud_openapi.runtime._outcome import (
    BUSY,
    EXIT,
    NO_HANDLER,
    NO_RUNTIME,
    TIMEOUT,
    UNUSABLE,
    Ended,
    InvocationError,
    Outcome,
    of_worker_error,
    read_answer,
)
from cloud_openapi.runtime._packages import installed_for
from cloud_openapi.runtime._pool import Pool
from cloud_openapi.runtime._process import ForkServer
from cloud_openapi.runtime._reasons import (
    missing_module,
    no_permission,
    out_of_memory,
    timed_out,
    web_function,
)
from cloud_openapi.runtime._settings import Settings, is_web
from cloud_openapi.runtime._timer import Timer
from cloud_openapi.runtime._worker import (
    Limits,
    Worker,
    WorkerError,
    WorkerMemoryError,
    WorkerTimeoutError,
)
from cloud_openapi.runtime._worker_command import (
    Debug,
    MissingProgramError,
    check_clock,
    command_of,
)

if TYPE_CHECKING:
    from cloud_openapi.runtime.check import Finding

_DEFAULT_TIMEOUT = 5.0
_DEFAULT_MEMORY = 256
# Each is a process on the developer's machine.
_CONCURRENCY = 16
_MOST_ENDED = 1000
# A worker's first answer, when it has loaded its function.
_LOADED = b"{}"
_WAITING_FOR_DEBUGGER = b"The function starts when a debugger is attached\n"
_STOPPED = "the emulator was stopped before the function answered"
_WAITING_ADVICE = (
    "The handler has returned, but the event loop is not empty: return a promise, or set "
    "context.callbackWaitsForEmptyEventLoop = false and call callback(error, result)"
)


class Functions:
    """The functions of a folder, in Python and Node.js, each in worker processes of its own.

    A missing folder has no functions. ``environment`` is added to the workers' variables;
    variables CLOUD_OPENAPI_* of this process are not inherited. ``timeout`` (seconds) and
    ``memory`` (MB) are defaults. ``config`` is the config.json of code outside a function.
    ``clock`` returns the one that functions see, None for the machine's. ``uploaded`` runs them
    as uploads: with nothing but their own files, which they cannot write.
    ``on_line`` is called with a function's name and each line of its log, ``on_end`` with each
    invocation that has ended.
    """

    def __init__(  # noqa: PLR0913 - each with a default
        self,
        folder: Path,
        environment: Mapping[str, str],
        timeout: float = _DEFAULT_TIMEOUT,
        memory: int = _DEFAULT_MEMORY,
        *,
        config: Path | None = None,
        debug: Debug | None = None,
        clock: Callable[[], MovedClock | None] = lambda: None,
        uploaded: bool = False,
        on_line: Callable[[str, Line], None] | None = None,
        on_end: Callable[[Ended], None] | None = None,
    ) -> None:
        defaults = Settings(name="", folder=folder, timeout=timeout, memory=memory)
        self._defaults = defaults
        self._functions = Folder(folder, defaults)
        self.folder = self._functions.path
        self.credentials = Credentials.new()
        self._secrets_of = cache(self.credentials.secrets_of)
        self._environment = dict(environment)
        self._config = (config or Path("config.json")).absolute()
        self.debug = debug
        """The function to debug; set it before the first invocation of that function."""
        self._clock = clock
        self._uploaded = uploaded
        self._debug_port = DebugPort()
        self._on_line = on_line
        self._on_end = on_end
        self._begin_process()
        renew_in_children(self)

    def _begin_process(self) -> None:
        self._lock = threading.Lock()
        self.logs = Logs(self._on_line)
        """The logs of all functions, in their common order."""
        self.ended: deque[Ended] = deque(maxlen=_MOST_ENDED)
        """The newest invocations that have ended, the oldest first."""
        self._ends = count(1)
        self._warned: dict[tuple[str, str], str] = {}
        self._executions: dict[str, Execution] = {}
        self._fork_server = ForkServer()
        self._pool = Pool(self._start, self._is_debugged)

    def renew_in_child(self) -> None:
        """Leave the workers to the parent, and start others."""
        self._pool.leave()
        self._fork_server.leave()
        self._begin_process()

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __contains__(self, name: object) -> bool:
        return self._functions.folder_of(name) is not None

    def settings_of(self, name: str) -> Settings:
        """Return a function's settings as its files are now: a new object after each change.

        Raises KeyError.
        """
        return self._functions.find(name).settings

    def log_of(self, name: str) -> Log:
        """Return the log of a function; it is empty before the first invocation."""
        return self.logs.of(name)

    def invocation_of(self, token: str) -> Invocation | None:
        """Return the running invocation with this API token, None for any other token."""
        execution = self._execution_of(token)
        return None if execution is None else execution.invocation

    def running_of(self, function: str) -> Invocation | None:
        """Return the newest running invocation of a function, None if there is none."""
        execution = self._newest(function)
        return None if execution is None else execution.invocation

    def running(self) -> list[tuple[Invocation, float]]:
        """Return the running invocations, each with the moment at which it began."""
        return [(each.invocation, each.begun) for each in list(self._executions.values())]

    def times_of(self, function: str) -> list[float]:
        """Return the times that a function's running invocations see instead of the machine's."""
        running = list(self._executions.values())
        return [
            each.clock.now()
            for each in running
            if each.clock is not None and each.invocation.function == function
        ]

    def explain(
        self,
        function: str,
        reason: str,
        marks: Collection[str],
        token: str = "",
        *,
        nested: bool = False,
    ) -> None:
        """Say why a call of a function failed: in its log, and in its outcome if that fails too.

        Without ``marks`` the call has not failed, and the reason is a warning.
        ``token`` is that of the invocation, by default the function's newest one. It fails because
        of this call if its error has one of the ``marks``. A ``nested`` invocation was logged
        already.
        """
        reason = one_line(reason)
        execution = self._execution_of(token) or self._newest(function)
        if execution is not None:
            execution.explain(reason, marks, nested=nested)
        elif not nested:
            log = InvocationLog(self.log_of(function))
            (log.add_reason if marks else log.add_warning)(reason)

    def _execution_of(self, token: str) -> Execution | None:
        given = token.encode("utf-8", "surrogatepass")
        running = list(self._executions.values())
        return next((each for each in running if compare_digest(each.token.encode(), given)), None)

    def _newest(self, function: str) -> Execution | None:
        return self._running(lambda invocation: invocation.function == function)

    def _running(self, wanted: Callable[[Invocation], bool]) -> Execution | None:
        """Return the newest running invocation of a kind."""
        running = reversed(list(self._executions.values()))
        return next((each for each in running if wanted(each.invocation)), None)

    def refuse(self, name: str, source: str, status: int, reason: str) -> None:
        """Report a request that does not begin an invocation; a function's log says it, too."""
        reason = one_line(reason)
        if name in self:
            InvocationLog(self.log_of(name)).add_reason(reason)
        now, code = clocks.monotonic(), int(status)  # an HTTPStatus has another text in Python 3.10
        self._report(Ended(name, code, 0.0, "", reason, 0, source, "", "", now))

    def permissions_of(self, function: str) -> frozenset[str]:
        """Return the names of the APIs that a function's config.json permits.

        They are none if the file is missing or invalid.
        """
        folder = self._functions.folder_of(function)
        if folder is None:
            return frozenset()
        return self._functions.permissions(folder / "config.json")[0]

    def mistakes_in_config(self, function: str) -> list[str]:
        """Return why a function's config.json permits no API or has no timer, as it is invalid."""
        folder = self._functions.folder_of(function)
        if folder is None:
            return []
        config = folder / "config.json"
        wrong = self._functions.permissions(config)[1], self._functions.timer(config)[1]
        return list(dict.fromkeys(filter(None, wrong)))

    def why_denied(
        self, function: str | None, api: str, nearest: str | None, known: Container[str] = ()
    ) -> str:
        """Return why an API is not permitted; without a function, to code outside of one.

        ``known`` has the APIs of the catalogue, and ``nearest`` is the one whose name is most
        alike.
        """
        folder = None if function is None else self._functions.folder_of(function)
        config = self._config if folder is None else folder / "config.json"
        return no_permission(config, api, nearest, known)

    def timers(self) -> list[tuple[str, Timer]]:
        """Return the functions that have a timer; of an invalid one, a log has a warning."""
        found = []
        for name in self:
            folder = self._functions.folder_of(name)
            if folder is None:
                continue
            timer, wrong = self._functions.timer(folder / "config.json")
            if wrong and _mentions_timer(folder / "config.json"):
                self._warn(name, wrong, "the timer does not fire")
            if timer is not None:
                found.append((name, timer))
        return found

    def root_permissions(self) -> frozenset[str]:
        """Return the APIs that the config.json of code outside a function permits."""
        return self._functions.permissions(self._config)[0]

    def invoke(  # noqa: PLR0913 - each with a default but the first three
        self,
        name: str,
        event: Any,
        now: datetime,
        source: str = "wx_client",
        trigger: str | None = None,
        *,
        parent: Invocation | None = None,
    ) -> Outcome:
        """Run a function's handler at the emulator's time ``now``.

        With a ``source`` that begins with wx_client or wx_devtools, event and context name a
        user. ``trigger`` is TRIGGER_SRC; its default is timer for wx_trigger, else tcb. ``parent``
        is the invocation that makes this one.
        Raises UnknownFunctionError, a KeyError.
        """
        invocation = _invocation(name, source, parent)
        try:
            found = self._functions.find(name)
        except OSError as error:  # no file descriptor is left
            failure = InvocationError(NO_RUNTIME, reason_of(error))
            execution = Execution(invocation, self._defaults, self.log_of(name))
            return self._end(execution, failure.outcome(invocation.request_id))
        secrets = self._secrets_of(name)
        execution = Execution(invocation, found.settings, self.log_of(name), self._clock(), secrets)
        appid = appid_of(self._environment)
        try:
            self._begin(execution)
            try:
                variables = variables_of(invocation, trigger, execution.token, appid, now)
                call = execution.call(event, variables)
                outcome = Outcome(self._run(found, call, execution), GOOD)
            finally:
                del self._executions[invocation.request_id]
        except InvocationError as error:
            if error.status in (NO_HANDLER, TIMEOUT, EXIT) and is_web(found.settings):
                error.reason = web_function(found.settings)
            outcome = error.outcome(invocation.request_id)
        return self._end(execution, outcome)

    @contextlib.contextmanager
    def stand_in(self, name: str) -> Iterator[StandIn]:
        """Let the emulator itself call in a function's name, while the context lasts.

        The function does not run, and its log stays as it is. Raises UnknownFunctionError.
        """
        settings = self._functions.find(name).settings
        execution = Execution(_invocation(name, "wx_client", None), settings, Log())
        request_id = execution.invocation.request_id
        with self._lock:
            self._executions[request_id] = execution
        try:
            yield self.credentials.stand_in(name, request_id, execution.token)
        finally:
            del self._executions[request_id]

    def start_debugger(self) -> None:
        """Start the worker to debug, so that a debugger can attach before the first invocation.

        Raises ConfigError if the debugger cannot listen. Other problems are left to the invocation.
        """
        if self.debug is not None and self.debug.function in self:
            with contextlib.suppress(InvocationError):
                self._pool.start_early(self._functions.find(self.debug.function))

    def check(self, *names: str, advance: Callable[[], None] = lambda: None) -> "list[Finding]":
        """Return what functions would have as problems on the platform, and notes.

        ``advance`` is called after each function. Raises KeyError for an unknown name.
        """
        # An emulator that checks nothing starts faster without it.
        from cloud_openapi.runtime.check import check_functions  # noqa: PLC0415

        return check_functions([self.settings_of(name) for name in names], self.load, advance)

    def load(self, settings: Settings) -> "list[Finding]":
        """Load a function in a process of its own, and return why it does not load."""
        from cloud_openapi.runtime.check import check_loading  # noqa: PLC0415

        installed = installed_for(settings)
        environment = process_environment(settings, self._environment, self.credentials, installed)
        found = check_loading(settings, environment, self._fork_server, uploaded=self._uploaded)
        return list(found)

    def close(self) -> None:
        """End every worker, busy ones too."""
        self._pool.close()
        self._fork_server.close()

    def _end(self, execution: Execution, outcome: Outcome) -> Outcome:
        """Write the end of an invocation to its log, and report it."""
        outcome, milliseconds = execution.end(outcome)
        above = execution.invocation.parent
        caller = self._running(lambda each: each.request_id == above) if above else None
        if caller is not None:
            caller.nest(execution.invocation.function, outcome.log)
        self._report(_ended(execution, outcome, milliseconds))
        return outcome

    def _report(self, ended: Ended) -> None:
        # In one step: when a reader sees a number, all lower ones are there.
        with self._lock:
            ended = ended._replace(number=next(self._ends))
            self.ended.append(ended)
        if self._on_end is not None:
            self._on_end(ended)

    def _warn(self, function: str, wrong: str, therefore: str) -> None:
        """Write a warning to a function's log, unless it repeats the last one."""
        with self._lock:
            is_new = wrong and self._warned.get((function, therefore)) != wrong
            self._warned[function, therefore] = wrong
        if is_new:
            self.log_of(function).add_own(f"Warning: {therefore}: {wrong}")

    def _begin(self, execution: Execution) -> None:
        """Make the token of an invocation valid. Raises InvocationError."""
        with self._lock:
            if len(self._executions) >= _CONCURRENCY:
                raise InvocationError(BUSY, f"{_CONCURRENCY} invocations are running already")
            self._executions[execution.invocation.request_id] = execution

    def _run(self, found: Function, call: bytes, execution: Execution) -> str:
        settings = found.settings
        if settings.problems:
            raise InvocationError(UNUSABLE, "; ".join(settings.problems))
        debugging = self._is_debugged(settings.name)
        # No limits: a debugger stops the function, and takes memory of its own.
        given = (None, sys.maxsize) if debugging else (settings.timeout, settings.memory)
        limits = Limits(*given)
        try:
            check_clock(settings, execution.clock)
            # The debugger's port is free once the outdated worker has ended.
            worker, new = self._pool.take(found, alone=debugging)
        except (MissingProgramError, OSError) as error:
            raise InvocationError(NO_RUNTIME, reason_of(error)) from error
        keep = False
        output = execution.log.own
        execution.flush = worker.flush
        try:
            if new and self._waits(worker):
                output(_WAITING_FOR_DEBUGGER)
            answer = worker.ask(b"", limits, output) if new else _LOADED
            if answer == _LOADED:
                answer = worker.ask(call, limits, output)
                keep = True
            return read_answer(answer, partial(missing_module, settings))
        except WorkerError as error:
            failure = of_worker_error(error, limits.timeout)
            failure.reason = (
                self._reason_of(error, settings, worker.peak, execution) or failure.reason
            )
            raise failure from error
        except InvocationError as error:
            # A new worker sees newly installed packages, and is not out of step.
            keep = keep and not error.missing and error.status != EXIT
            raise
        finally:
            execution.memory = worker.peak
            # If its output is closed, the next invocation would fail when it prints.
            keep = keep and not worker.silent
            # Without the debugger's port, it would run the next invocation unseen.
            keep = keep and (not debugging or self._debug_port.has(worker))
            self._pool.give_back(found, worker, keep=keep)

    def _waits(self, worker: Worker) -> bool:
        return self.debug is not None and self.debug.wait and self._debug_port.has(worker)

    def _is_debugged(self, name: str) -> bool:
        return self.debug is not None and self.debug.function == name

    def _reason_of(
        self, error: WorkerError, settings: Settings, peak: float, execution: Execution
    ) -> str:
        if isinstance(error, WorkerMemoryError):
            return out_of_memory(settings, peak)
        if not isinstance(error, WorkerTimeoutError):
            return _STOPPED if self._pool.closed else ""
        if error.waiting:
            return _WAITING_ADVICE
        request_id = execution.invocation.request_id
        callee = self._running(lambda each: each.parent == request_id)
        return timed_out(settings, "" if callee is None else callee.invocation.function)

    def _start(self, found: Function) -> Worker:
        settings = found.settings
        if not settings.file.is_file():
            message = (
                f"{settings.file} is missing: it must define {settings.handler}(event, context)"
            )
            raise InvocationError(NO_HANDLER, message, "")
        if len(found.files) == MOST_WATCHED:
            many = f"the function has more than {MOST_WATCHED} files"
            self._warn(settings.name, many, "changes of some files are not noticed")
        installed = installed_for(settings)
        environment = process_environment(settings, self._environment, self.credentials, installed)

        debug = self.debug if self._is_debugged(settings.name) else None
        wait = debug is not None and debug.wait

        def start(port: int | None) -> Worker:
            command = command_of(
                settings, installed, port, wait=wait, clock=self._clock(), uploaded=self._uploaded
            )
            return Worker(command, settings.folder, environment, self._fork_server)

        if debug is None:
            return start(None)
        return self._debug_port.start(debug.port_of(settings), start)


def _invocation(name: str, source: str, parent: Invocation | None) -> Invocation:
    if parent is None:
        return Invocation(new_request_id(), name, source)
    return Invocation(new_request_id(), name, source, parent.request_id, parent.depth + 1)


def _ended(execution: Execution, outcome: Outcome, milliseconds: float) -> Ended:
    invocation = execution.invocation
    return Ended(
        function=invocation.function,
        status=outcome.status,
        milliseconds=milliseconds,
        message=execution.message(outcome),
        reason=outcome.reason,
        depth=invocation.depth,
        source=invocation.source,
        invocation=invocation.request_id,
        parent=invocation.parent,
        begun=execution.begun,
    )


def _mentions_timer(path: Path) -> bool:
    """Return whether a config.json that cannot be read has a timer."""
    try:
        return b"triggers" in path.read_bytes()
    except OSError:
        return False
