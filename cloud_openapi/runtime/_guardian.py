"""Run as a script: start workers, and end all that each of them has started.

Its stdin is a socket from the emulator. A message brings what to run and four descriptors: the
worker's three pipes and a socket of its own. For each, a small process is forked that starts the
worker and waits for the worker to end or for the emulator to let go of that socket, as it does
however it ends. Then it kills what is left and ends too, which tells the emulator.

On Linux it adopts what the worker left behind, in whatever session, so that nothing gets away,
and it kills only children of its own that nobody has waited for: their numbers cannot be others'.
Elsewhere it has the worker's process group alone.
"""

import contextlib
import ctypes
import marshal
import os
import select
import signal
import socket
import sys
from typing import Any

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LENGTH = 4


def main() -> None:
    """Fork a supervisor for each message until the emulator is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the supervisors
    emulator = socket.socket(fileno=0)
    while True:
        head, descriptors, _, _ = socket.recv_fds(emulator, _LENGTH, 4)
        if not head:
            return
        task = marshal.loads(  # noqa: S302 - it is the emulator's, and of this interpreter
            emulator.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)
        )
        for descriptor in descriptors:
            # As they come a worker would have them beside the ends that are its own.
            os.set_inheritable(descriptor, False)  # noqa: FBT003
        if os.fork() == 0:
            try:
                emulator.close()
                _supervise(task, descriptors)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def _supervise(task: Any, descriptors: list[int]) -> None:
    *pipes, end = descriptors
    news, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    worker, reason = _start(task, *pipes)
    for descriptor in pipes:
        os.close(descriptor)
    os.write(end, marshal.dumps(reason or (worker, os.getpid())))
    while not _has_ended(worker):
        ready, _, _ = select.select([end, news], [], [])
        if end in ready:
            break
        os.read(news, 1024)
    _kill(worker)


def _start(task: Any, requests: int, answers: int, output: int) -> tuple[int, Any]:
    """Start a worker; return its number, and the error if there was one."""
    command, folder, environment = task
    failed, failure = os.pipe()
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        os.close(failure)
        reason = os.read(failed, 1 << 16)  # an exec closes it
        return worker, marshal.loads(reason) if reason else None  # noqa: S302 - our own fork's
    try:
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        os.setsid()
        os.chdir(folder)
        for source, target in ((1, 0), (output, 1), (output, 2)):  # 1 is /dev/null
            os.dup2(source, target)
        for descriptor in (requests, answers):
            os.set_inheritable(descriptor, True)  # noqa: FBT003
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(number, signal.SIG_DFL)
        os.execve(command[0], [*command, str(requests), str(answers)], environment)  # noqa: S606
    except OSError as error:
        os.write(failure, marshal.dumps((error.errno, os.fspath(error.filename))))
    finally:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _has_ended(worker: int) -> bool:
    """Say whether a worker has ended; wait for others, but leave it to be waited for."""
    if not hasattr(os, "waitid"):
        return True  # on macOS before Python 3.13, where only the worker is a child
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or found.si_pid == worker:
            return found is not None
        os.waitpid(found.si_pid, 0)


def _kill(worker: int) -> None:
    """End the worker, what it started, and what these leave when they end."""
    with contextlib.suppress(OSError):  # macOS says so of a group that has ended
        os.killpg(worker, signal.SIGKILL)
    left, refused = {worker}, set()
    while left:
        child = left.pop()
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:
            refused.add(child)  # it has become another user's
        left.update(_children() - refused)


def _children() -> set[int]:
    try:
        with open("/proc/thread-self/children", "rb") as file:  # noqa: PTH123 - slow to import
            return set(map(int, file.read().split()))
    except OSError:
        return set()  # this is not Linux


if __name__ == "__main__":
    main()
