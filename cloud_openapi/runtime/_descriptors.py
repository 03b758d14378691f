"""Recognise and explain the errors of a process whose file descriptors are used up."""

import errno

try:  # now, because a later import needs a descriptor
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def no_descriptor(error: BaseException) -> bool:
    """Return whether a file could not be opened because the process or the system has too many."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def reason_of(error: Exception) -> str:
    """Return an error's message, and what to do if no descriptor is left."""
    if not (isinstance(error, OSError) and error.errno == errno.EMFILE and resource):
        return str(error)
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        f"no file descriptors are left ({error.strerror}): the limit is {limit}; raise it before "
        "the emulator starts, with ulimit -n 4096"
    )
