"""Files that appear when they are whole."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Yield the path of a new file, which replaces the one at ``path`` at the end of the block.

    An error in the block leaves the former file. A former file's mode is kept, also while the new
    one is written, and a link stays a link. What is no file, such as a pipe or ``/dev/null``, is
    not replaced: its own path is yielded. Raises OSError.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve()
    # Without the file's name, which may be as long as names can be.
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    former = target.stat() if target.exists() else None
    try:
        if former is not None:
            draft.touch(0o600)
        yield draft
        if former is not None:
            draft.chmod(S_IMODE(former.st_mode))
        draft.replace(target)
    finally:
        # It is gone, or its folder is.
        with suppress(OSError):
            draft.unlink()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError of the block name a file: its own text names a draft of it, or nothing."""
    try:
        yield
    except OSError as error:
        text = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, text, str(path)) from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file; an error leaves the former one. Raises OSError, which names the file."""
    with naming(path), draft_of(path) as draft:
        draft.write_bytes(content)
