"""Run an emulator with its functions and timers in this process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

from cloud_openapi.cli._log_printer import LogPrinter
from cloud_openapi.emulator import (
    Access,
    Emulator,
    Server,
    Timers,
    create_app,
    emulator_variables,
    url_of,
)
from cloud_openapi.emulator.cloudbase.function_time import moved_clock
from cloud_openapi.runtime import Debug, Functions


@contextmanager
def serving(  # noqa: PLR0913 - each with a default but the first three
    emulator: Emulator,
    folder: Path,
    listening: socket | Sequence[socket],
    *,
    passed: Mapping[str, str] | None = None,
    debug: Debug | None = None,
    function_time: str = "machine",
    printer: LogPrinter | None = None,
    access: Access | None = None,
    uploaded: bool = False,
) -> Iterator[Functions]:
    """Serve an emulator with the functions of a folder until the end of the with block.

    ``passed`` are additional variables for the functions, ``function_time`` the clock that they
    see: machine or emulator. ``printer`` prints calls and output until it is closed at the end.
    ``access`` is that of `create_app`, ``uploaded`` that of `Functions`.
    """
    sockets = [listening] if isinstance(listening, socket) else listening
    variables = {**(passed or {}), **emulator_variables(url_of(sockets[0]), emulator)}
    hooks: dict[str, Any] = {}
    if printer is not None:
        hooks = {"on_line": printer.line, "on_end": printer.ended}
        emulator.on_entry = printer.entry
    functions = Functions(
        folder,
        variables,
        debug=debug,
        clock=lambda: moved_clock(emulator) if function_time == "emulator" else None,
        uploaded=uploaded,
        **hooks,
    )
    timers = Timers(emulator, functions)
    app = create_app(emulator, functions, timers, access)
    server = Server(app, sockets, emulator.never_blocks)
    try:
        with timers, server:
            try:
                yield functions
            finally:
                # The server waits for open requests: end latency faults and running functions.
                emulator.faults.clear()
                functions.close()
    finally:
        functions.close()
        for each in sockets:
            each.close()
        if printer is not None:
            printer.close()
