"""IP addresses, and hosts that are this machine or on a private network."""

import ipaddress
import socket

# Names that public DNS cannot have; containers use them.
LOCALHOST, INTERNAL = ".localhost", ".internal"
_PRIVATE = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
]


def is_loopback(host: str | None) -> bool:
    """Return True if a host name or IP address is this machine's own."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(without_mapping(host)).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """Return True if no host on the Internet can have a host name or IP address."""
    try:
        address = ipaddress.ip_address(without_mapping(host))
    except ValueError:
        return host.endswith((LOCALHOST, INTERNAL)) or ("." not in host and not _is_number(host))
    return address.is_loopback or any(address in network for network in _PRIVATE)


def _is_number(host: str) -> bool:
    """Return True for a number such as 0x08080808, which resolvers take for an IPv4 address."""
    try:
        return bool(socket.inet_aton(host))
    except OSError:
        return False


def without_mapping(address: str) -> str:
    """Return the IPv4 address in an address such as ::ffff:127.0.0.1, any other text unchanged."""
    try:
        return str(ipaddress.IPv6Address(address).ipv4_mapped or address)
    except ValueError:
        return address
