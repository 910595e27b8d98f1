"""Whether a target may be called: names, addresses and ports against the public internet and the allow-list."""

import time
from collections.abc import Sequence
from ipaddress import ip_address

from wildrydes.kernel.http.addresses import Address, why_not_public
from wildrydes.kernel.http.config import OutboundConfig
from wildrydes.kernel.http.errors import OutboundNotSent, OutboundRefused
from wildrydes.kernel.http.resolving import Resolver, resolve
from wildrydes.kernel.http.targets import Target


def checked_addresses(
    target: Target, config: OutboundConfig, resolver: Resolver, *, deadline: float
) -> Sequence[Address]:
    """Resolve a target once and return its addresses, every one of them permitted.

    One forbidden address among good ones refuses them all: such an answer is an attack or a mistake.

    Args:
        target: where to.
        config: the policy.
        resolver: asks for the addresses of a name.
        deadline: on the monotonic clock, in seconds.

    Raises:
        OutboundRefused: policy forbids one of the addresses, or the port.
        OutboundNotSent: the name has no address.
    """
    usual_port = target.port in config.usual_ports
    if not usual_port and not config.allow.names_port(target.port):
        raise _refused_port(target, config)
    addresses = _addresses(target, config, resolver, deadline=deadline)
    for address in addresses:
        if config.allow.covers(host=target.host, address=address, port=target.port):
            continue
        reason = why_not_public(address)
        if reason is not None:
            subject = f"{address}" if target.literal else f"{target.host} leads to {address}, which"
            raise OutboundRefused(f"{subject} is not on the public internet ({reason}); use a public address")
        if not usual_port:
            raise _refused_port(target, config)
    return addresses


def _addresses(target: Target, config: OutboundConfig, resolver: Resolver, *, deadline: float) -> Sequence[Address]:
    if target.literal is not None:
        return (target.literal,)
    seconds = min(config.connect_timeout, deadline - time.monotonic())
    answers = resolve(resolver, target.host, target.port, seconds=seconds)
    try:
        return tuple(ip_address(answer) for answer in answers)
    except ValueError:
        raise OutboundNotSent(f"The name {target.host} has an address that cannot be read; check its DNS") from None


def _refused_port(target: Target, config: OutboundConfig) -> OutboundRefused:
    usual = ", ".join(str(port) for port in sorted(config.usual_ports))
    return OutboundRefused(f"Port {target.port} may not be called; use one of {usual}")
