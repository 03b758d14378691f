from typing import NamedTuple

# During a token's last five minutes WeChat grants a new one; before that, the same one again.
_MARGIN = 300.0


class Granted(NamedTuple):
    """A token as WeChat grants it, with its remaining life in seconds.

    ``renew_in`` says in how many seconds it should be replaced, None that its life says it.
    """

    token: str
    expires_in: float
    renew_in: float | None = None

    def __repr__(self) -> str:
        return f"Granted(token='***', expires_in={self.expires_in})"


def keep_seconds(expires_in: float) -> float:
    """Return for how many seconds a new token is used before it is replaced."""
    return max(expires_in - _MARGIN, expires_in / 2)
