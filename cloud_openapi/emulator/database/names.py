from typing import Any, Final

LONGEST: Final = 120


def wrong_name(name: Any) -> str:
    """Return what is wrong with the name of a collection, by MongoDB's rules; empty if nothing."""
    if not isinstance(name, str) or not name:
        return "the name of a collection is a text"
    shown = repr(name[:80])
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return f"{shown} is not the name of a collection: it has half of a surrogate pair"
    if size > LONGEST:
        return f"{shown} is not the name of a collection: it has more than {LONGEST} bytes"
    if "$" in name or "\0" in name or name.startswith(("system.", ".")) or name.endswith("."):
        return (
            f"{shown} is not the name of a collection: it has no $ and NUL, does not begin with "
            "system., and neither begins nor ends with a dot"
        )
    return ""
