"""Where a request comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address; empty when there is none, as on a Unix socket.

    Behind our TLS proxy (`BEHIND_TLS_PROXY`) it is the last entry of `X-Forwarded-For`, the one that the proxy wrote: all
    before it is the client's own claim.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS_PROXY:
        address = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() or address
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


def client_network(address: str) -> str:
    """What one client can choose from freely: its IPv4 address, or the /64 of an IPv6 one. For throttling."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
