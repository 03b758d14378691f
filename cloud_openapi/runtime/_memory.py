"""How much memory processes take; only Linux tells."""

import os
from collections.abc import Iterator

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MB = 1024 * 1024
_LONGEST = 1 << 16


def descendants(pid: int) -> Iterator[int]:
    """Yield what a process and its children started, as far as they are known."""
    try:
        # Read several times a second, which is why this is not pathlib's glob.
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return
    for thread in threads:
        for child in map(int, _read(f"/proc/{pid}/task/{thread}/children").split()):
            yield child
            yield from descendants(child)


def used_mb(pid: int, limit: int) -> float:
    """Return the memory of a process's descendants in MB; 0 where it is not known.

    Pages that several share are counted once where it matters: when the sum is over the limit.
    """
    processes = list(descendants(pid))
    used = sum(map(_resident, processes)) / _MB
    if used > limit and len(processes) > 1:
        used = sum(map(_proportional, processes)) / _MB
    return used


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has had so far, in MB; 0 where it is not known."""
    return _field(f"/proc/{pid}/status", "VmHWM:") / _MB


def _resident(pid: int) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional(pid: int) -> int:
    return _field(f"/proc/{pid}/smaps_rollup", "Pss:")


def _field(path: str, name: str) -> int:
    _, _, rest = _read(path).partition(name)
    return int(rest.split(None, 1)[0]) * 1024 if rest else 0


def _read(path: str) -> str:
    # Read at every invocation, which is why this is without Python's buffers.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""  # it has ended, or this is not Linux
    try:
        return os.read(descriptor, _LONGEST).decode()
    except OSError:
        return ""
    finally:
        os.close(descriptor)
