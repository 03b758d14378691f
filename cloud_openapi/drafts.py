"""Files that appear when they are whole."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Yield the path of a new file, which replaces the one at ``path`` at the end of the block.

    An error in the block leaves the former file, and a link stays a link. What is no file, such as
    a pipe or ``/dev/null``, is not replaced: its own path is yielded. Raises OSError.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield draft
        draft.replace(target)
    finally:
        # It is gone, or its folder is.
        with suppress(OSError):
            draft.unlink()
