"""The emulator's own mini program: public credentials of no real mini program.

A real appid is ``wx`` and sixteen hexadecimal digits; this appid has another form. It is sent to
a loopback address only: see `transports.connect`.
"""

from hashlib import blake2b

DEMO_APPID = "wxdemo000000000000"
DEMO_SECRET = "public-demo-secret"  # noqa: S105 - published on purpose
DEMO_OPENID = "oDemo-0000000000000000000000"


def secret_for(appid: str) -> str:
    """Return the default secret of a mini program in the emulator.

    It is a hash of the appid, the same in every process; it protects nothing.
    """
    if appid == DEMO_APPID:
        return DEMO_SECRET
    return blake2b(appid.encode(), digest_size=16, person=b"cloud_openapi").hexdigest()
