"""Hosts that are this machine."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Return True if a host name or IP address is this machine's own."""
    if host is None or host == "localhost":
        return host is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
