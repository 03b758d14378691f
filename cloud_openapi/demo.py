"""The emulator's own mini program: public credentials that can belong to nobody.

A real appid is ``wx`` and sixteen hexadecimal digits, so this one cannot be a real one. It is
good for a loopback address only: see `transports.connect`.
"""

from hashlib import blake2b

DEMO_APPID = "wxdemo000000000000"
DEMO_SECRET = "public-demo-secret"  # noqa: S105 - published on purpose
DEMO_OPENID = "oDemo-0000000000000000000000"


def secret_for(appid: str) -> str:
    """Return the secret that a mini program has in the emulator if nobody chose one.

    It follows from the appid, so that it is the same in every process; it protects nothing.
    """
    if appid == DEMO_APPID:
        return DEMO_SECRET
    return blake2b(appid.encode(), digest_size=16, person=b"cloud_openapi").hexdigest()
