"""IP addresses, and the hosts that are this machine."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Return True if a host name or IP address is this machine's own."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(without_mapping(host)).is_loopback
    except ValueError:
        return False


def without_mapping(address: str) -> str:
    """Return the IPv4 address in an address such as ::ffff:127.0.0.1, any other text unchanged."""
    try:
        return str(ipaddress.IPv6Address(address).ipv4_mapped or address)
    except ValueError:
        return address
