"""Run as a script: fork a supervisor for each worker, which ends all that the worker started.

The script's stdin is a socket from the emulator. A message holds the command and four
descriptors: the worker's three pipes and a socket for the supervisor. The supervisor starts the
worker and waits until the worker ends or the emulator's end of that socket is closed, as it is
however the emulator ends. Then the supervisor kills the worker's descendants and exits, which
closes its own end and so tells the emulator.

On Linux the supervisor is a subreaper: it adopts all orphans, whatever their session. It kills
only children that have not been waited for, so their PIDs cannot have been reused. On other
systems it kills the worker's process group. The fork server is a subreaper too: it kills what a
killed supervisor leaves, and continues a stopped one. After the emulator has ended, it stays as
long as a supervisor does.
"""

import contextlib
import ctypes
import marshal
import os
import select
import signal
import socket
import sys
from collections.abc import Iterable
from typing import Any

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LENGTH = 4


def main() -> None:
    """Fork a supervisor for each message until the emulator and the supervisors have ended."""
    emulator = socket.socket(fileno=0)
    news = _watch_children()
    supervisors: set[int] = set()
    watched: list[Any] = [emulator, news]
    while emulator in watched or supervisors:
        ready, _, _ = select.select(watched, [], [])
        if news in ready:
            os.read(news, 1024)
            _look_after(supervisors)
        if emulator not in ready:
            continue
        head, descriptors, _, _ = socket.recv_fds(emulator, _LENGTH, 4)
        if not head:
            watched.remove(emulator)
            continue
        task = marshal.loads(  # noqa: S302 - from the emulator, by the same interpreter
            emulator.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)
        )
        supervisors.add(_forked(task, descriptors, [emulator.fileno(), news]))


def _forked(task: Any, descriptors: list[int], own: list[int]) -> int:
    """Fork a supervisor, which closes the fork server's own descriptors, and return its PID."""
    for descriptor in descriptors:
        # recv_fds leaves them inheritable; a worker inherits its own two only.
        os.set_inheritable(descriptor, False)  # noqa: FBT003
    supervisor = os.fork()
    if supervisor == 0:
        try:
            os.close(signal.set_wakeup_fd(-1))
            for descriptor in own:
                os.close(descriptor)
            _supervise(task, descriptors)
        finally:
            os._exit(0)
    for descriptor in descriptors:
        os.close(descriptor)
    return supervisor


def _watch_children() -> int:
    """Adopt orphans; return a descriptor that can be read when a child has ended or stopped."""
    news, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    return news


def _look_after(supervisors: set[int]) -> None:
    """Continue stopped supervisors, and kill what ended ones have left."""
    with contextlib.suppress(ChildProcessError):  # no child is left
        while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
            child, status = found
            if os.WIFSTOPPED(status):
                os.kill(child, signal.SIGCONT)
            else:
                supervisors.discard(child)
    _kill(_children() - supervisors, spared=supervisors)


def _supervise(task: Any, descriptors: list[int]) -> None:
    *pipes, end = descriptors
    news = _watch_children()
    worker, reason = _start(task, *pipes)
    for descriptor in pipes:
        os.close(descriptor)
    os.write(end, marshal.dumps(reason or (worker, os.getpid())))
    while not _has_ended(worker):
        ready, _, _ = select.select([end, news], [], [])
        if end in ready:
            break
        os.read(news, 1024)
    with contextlib.suppress(OSError):  # macOS raises it for a group that has ended
        os.killpg(worker, signal.SIGKILL)
    _kill({worker})


def _start(task: Any, requests: int, answers: int, output: int) -> tuple[int, Any]:
    """Start a worker; return its PID, and the error if it could not be started."""
    command, folder, environment = task
    failed, failure = os.pipe()
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        os.close(failure)
        reason = os.read(failed, 1 << 16)  # empty once exec has closed the other end
        return worker, marshal.loads(reason) if reason else None  # noqa: S302 - from the fork below
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
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores both
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
    """Return whether the worker has ended; reap its orphans, but not the worker itself."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13, where the worker is the only child
        return os.waitpid(worker, os.WNOHANG)[0] == worker
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or found.si_pid == worker:
            return found is not None
        os.waitpid(found.si_pid, 0)


def _kill(children: set[int], spared: Iterable[int] = ()) -> None:
    """Kill children and their descendants, until no child is left but the spared ones."""
    left, refused = children, set(spared)
    while left:
        child = left.pop()
        try:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:
            refused.add(child)  # it runs as another user now
        left.update(_children() - refused)


def _children() -> set[int]:
    try:
        with open("/proc/thread-self/children", "rb") as file:  # noqa: PTH123 - slow to import
            return set(map(int, file.read().split()))
    except OSError:
        return set()  # not Linux


if __name__ == "__main__":
    main()
