"""The limits of a call to the outside."""

from dataclasses import dataclass, field

from wildrydes.kernel.http.allowing import AllowList

# The web's own ports and their customary development twins. Wider ranges would let a tenant's webhook address knock at
# databases, brokers and mail servers of third parties; what is needed beyond these is named in the allow-list.
USUAL_PORTS = frozenset({80, 443, 8080, 8443})


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundConfig:
    """How the outbound client behaves; every call may tighten or widen time and size for itself.

    Attributes:
        allow: exceptions to the address policy.
        usual_ports: ports open for any public address.
        connect_timeout: seconds for name resolution, and again for TCP and TLS together.
        read_timeout: longest silence of the server, in seconds.
        total_timeout: seconds for the whole call, redirects included; what drips slowly is cut here.
        max_body_bytes: of the answer's body, on the wire and decompressed alike.
        max_header_bytes: of the answer's head, interim (1xx) answers included.
        idle_seconds: how long a connection is kept for reuse; shorter than common servers' keep-alive of 5 seconds,
            because a request that crosses the server's close has an unknown outcome.
        max_idle: connections kept for reuse, over all hosts.
        ca_file: PEM file of certificate authorities; None means the operating system's.
        user_agent: what is sent as `User-Agent` when the caller names none.
    """

    allow: AllowList = field(default_factory=AllowList)
    usual_ports: frozenset[int] = USUAL_PORTS
    connect_timeout: float = 3.0
    read_timeout: float = 10.0
    total_timeout: float = 15.0
    max_body_bytes: int = 1024 * 1024
    max_header_bytes: int = 32 * 1024
    idle_seconds: float = 4.0
    max_idle: int = 64
    ca_file: str | None = None
    user_agent: str = "WildRydes/1"
