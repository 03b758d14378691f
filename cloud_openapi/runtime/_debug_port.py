import os
import socket
import threading
from collections.abc import Callable

from cloud_openapi.runtime._worker import Worker
from cloud_openapi.runtime._worker_command import MissingProgramError


class DebugPort:
    """The port where the debugger of a worker listens; one worker at a time has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starting = False
        self._worker: Worker | None = None

    def start(self, port: int, start: Callable[[int | None], Worker]) -> Worker:
        """Start a worker with the port, or without it while another worker has it.

        Raises MissingProgramError if another program listens on the port.
        """
        with self._lock:
            if self._starting or not (self._worker is None or self._worker.ended):
                own_port = None
            else:
                own_port, self._starting = port, True
        if own_port is None:
            return start(None)
        try:
            _check_is_free(port)
            self._worker = start(port)
        finally:
            self._starting = False
        return self._worker

    def has(self, worker: Worker) -> bool:
        """Return whether a worker has the port."""
        return worker is self._worker


def _check_is_free(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise MissingProgramError(
            f"The debugger cannot listen on port {port} ({os.strerror(error.errno or 0)}): another "
            "program uses it. Choose another port: --debug NAME:PORT"
        ) from None
