"""The emulator's own mini program: public credentials that can belong to nobody.

A real appid is ``wx`` and sixteen hexadecimal digits, so this one cannot be a real one. It is
good for a loopback address only: see `transports.connect`.
"""

DEMO_APPID = "wxdemo000000000000"
DEMO_SECRET = "public-demo-secret"  # noqa: S105 - published on purpose
DEMO_OPENID = "oDemo-0000000000000000000000"
