"""The operator's allow-list: exceptions to "public addresses and usual ports only"."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from wildrydes.kernel.errors import ConfigurationError
from wildrydes.kernel.http.addresses import Address, may_be_trusted_by_name

_BRACKETED = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\d{1,5}))?")
_PLAIN = re.compile(r"(?P<host>[^:\[\]]+)(?::(?P<port>\d{1,5}))?")
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*")


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One exception. Either `network` or `name` is set; `port` None means any port."""

    network: IPv4Network | IPv6Network | None
    name: str | None
    port: int | None

    def covers(self, *, host: str, address: Address, port: int) -> bool:
        """Whether this entry opens the connection to `address` and `port`, reached through the name `host`."""
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address.version == self.network.version and address in self.network
        return host == self.name and may_be_trusted_by_name(address)


@dataclass(frozen=True, slots=True)
class AllowList:
    """All exceptions; empty by default, as in production."""

    entries: tuple[AllowEntry, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AllowList":
        """Read `host-or-CIDR[:port]`, comma-separated, such as `127.0.0.0/8,[::1]:9101,simulators:9102`.

        Raises:
            ConfigurationError: an entry cannot be read.
        """
        return cls(tuple(_entry(part.strip()) for part in text.split(",") if part.strip()))

    def covers(self, *, host: str, address: Address, port: int) -> bool:
        """Whether any entry opens this connection."""
        return any(entry.covers(host=host, address=address, port=port) for entry in self.entries)

    def names_port(self, port: int) -> bool:
        """Whether an entry could open this port at all, to be known before a name is resolved."""
        return any(entry.port in (None, port) for entry in self.entries)


def _entry(text: str) -> AllowEntry:
    bare_v6 = text.count(":") > 1 and not text.startswith("[")
    match = None if bare_v6 else (_BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text))
    host, port_text = (match["host"], match["port"]) if match else (text, None)
    port = int(port_text) if port_text else None
    if port is not None and not 1 <= port <= 65535:
        raise ConfigurationError(f"OUTBOUND_ALLOW: {text!r} has an impossible port; use 1 to 65535")
    try:
        return AllowEntry(network=ip_network(host, strict=False), name=None, port=port)
    except ValueError:
        name = host.lower()
    if not _HOST_NAME.fullmatch(name) or name.rsplit(".", 1)[-1].isdigit():
        raise ConfigurationError(f"OUTBOUND_ALLOW: cannot read {text!r}; write host-or-CIDR[:port], e.g. 127.0.0.0/8")
    return AllowEntry(network=None, name=name, port=port)
