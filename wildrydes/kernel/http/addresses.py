"""Which IP addresses belong to the public internet (pure rules, no I/O).

From the IANA special-purpose registries (RFC 6890 and its updates). The standard library's `is_global` differs between
patch releases of Python and knows nothing of addresses that wrap others, so the rule is written down here and
`is_global` is only asked as well.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# Networks with the word a person reads when an address in them is refused.
_SPECIAL_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), word)
    for network, word in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's platform endpoint: globally routable by number only
        ("169.254.0.0/16", "link-local or cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_SPECIAL_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), word)
    for network, word in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private or cloud metadata"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)

_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")

# Never reached by trusting a *name*: only an allow-list entry that spells the network out opens these.
_NEVER_BY_NAME = tuple(
    IPv4Network(network)
    for network in ("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
_NEVER_BY_NAME_V6 = tuple(IPv6Network(network) for network in ("::/128", "fd00:ec2::/32", "fe80::/10", "ff00::/8"))


def why_not_public(address: Address) -> str | None:
    """The reason why an address is not on the public internet, in a word or two; None when it is."""
    if isinstance(address, IPv4Address):
        reason = next((word for network, word in _SPECIAL_V4 if address in network), None)
    else:
        reason = next((word for network, word in _SPECIAL_V6 if address in network), None)
        if reason is None and address.scope_id is not None:
            reason = "link-local"
        if reason is None and address not in _GLOBAL_UNICAST_V6:
            reason = "reserved"
    if reason is None and not address.is_global:
        reason = "reserved"
    return reason


def may_be_trusted_by_name(address: Address) -> bool:
    """Whether an operator's trust in a host *name* extends to this address.

    It does to private and loopback ones (a service in the same compose project), never to metadata, link-local,
    multicast and unspecified ones, nor to an IPv4 address in IPv6's clothes: no service lives there.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER_BY_NAME)
    if address.ipv4_mapped or address.sixtofour or address.teredo or address.scope_id is not None:
        return False
    return not any(address in network for network in _NEVER_BY_NAME_V6)
