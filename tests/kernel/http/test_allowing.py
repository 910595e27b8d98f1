from ipaddress import ip_address

import pytest

from wildrydes.kernel.errors import ConfigurationError
from wildrydes.kernel.http import AllowList


@pytest.mark.parametrize(
    ("entry", "host", "address", "port", "covered"),
    [
        ("127.0.0.0/8", "anything", "127.0.0.9", 5000, True),
        ("127.0.0.1:9101", "127.0.0.1", "127.0.0.1", 9101, True),
        ("127.0.0.1:9101", "127.0.0.1", "127.0.0.1", 9102, False),
        ("127.0.0.1/32:9101", "127.0.0.1", "127.0.0.1", 9101, True),
        ("127.0.0.1/32", "127.0.0.2", "127.0.0.2", 80, False),
        ("127.0.0.0/8", "x", "::ffff:127.0.0.1", 80, False),
        ("::1", "::1", "::1", 80, True),
        ("[::1]:9101", "::1", "::1", 9101, True),
        ("[::1]:9101", "::1", "::1", 80, False),
        ("[fd00::/8]:443", "x", "fd00::7", 443, True),
        ("Simulators:9102", "simulators", "172.18.0.3", 9102, True),
        ("simulators", "simulators", "169.254.169.254", 80, False),
        ("simulators", "simulators.evil.example", "172.18.0.3", 80, False),
    ],
)
def test_an_entry_opens_exactly_what_it_names(entry: str, host: str, address: str, port: int, covered: bool) -> None:
    assert AllowList.parse(entry).covers(host=host, address=ip_address(address), port=port) is covered


@pytest.mark.parametrize(
    "entry", ["*", "http://x", "a b", "127.0.0.1:0", "127.0.0.1:99999", "10.0.0.0/99", "[::1", "127.1"]
)
def test_an_unreadable_entry_is_an_operators_mistake(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="OUTBOUND_ALLOW"):
        AllowList.parse(f"127.0.0.1, {entry}")


def test_blank_means_nothing_is_allowed() -> None:
    assert AllowList.parse(" , ").entries == ()
