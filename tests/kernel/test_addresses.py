"""Where a request comes from, whatever its headers say."""

import pytest
from django.test import RequestFactory

from wildrydes.kernel.addresses import client_address, client_network


@pytest.mark.parametrize(
    ("remote", "forwarded", "behind_proxy", "expected"),
    [
        ("203.0.113.5", None, False, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", False, "203.0.113.5"),
        ("127.0.0.1", "198.51.100.1", True, "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1", True, "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4,", True, "127.0.0.1"),
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("127.0.0.1", "unknown", True, ""),
        ("127.0.0.1", "198.51.100.1:443\r\nx", True, ""),
        ("", None, False, ""),
        ("2001:DB8::1", None, False, "2001:db8::1"),
    ],
)
def test_only_our_own_proxy_is_believed(settings, remote, forwarded, behind_proxy, expected):
    settings.BEHIND_TLS_PROXY = behind_proxy
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=remote, **headers)) == expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("", ""),
        ("x", ""),
    ],
)
def test_what_one_client_can_choose_from_counts_as_one(address, network):
    assert client_network(address) == network
