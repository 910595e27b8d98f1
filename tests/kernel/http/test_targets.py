import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildrydes.kernel.http import OutboundRefused
from wildrydes.kernel.http.targets import read_redirect, read_target


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://Example.COM", "https://example.com:443", "/"),
        ("http://example.com:8080/a/b?x=1#part", "http://example.com:8080", "/a/b?x=1"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443", "/"),
        ("http://8.8.8.8/", "http://8.8.8.8:80", "/"),
        ("http://[2606:4700:0:0::1111]:8443/", "http://[2606:4700::1111]:8443", "/"),
        ("http://finance_sim:80?q", "http://finance_sim:80", "/?q"),
    ],
)
def test_plain_urls_are_read(url: str, origin: str, path: str) -> None:
    target = read_target(url)
    assert (target.origin, target.path) == (origin, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http:example.com",
        "http:///path",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://example.com:0/",
        "http://example.com:/",
        "http://example.com:99999/",
        "http://example.com:8o/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0x/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://[::1/",
        "http://[::1]evil.example/",
        "http://a[::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.a]/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com\\@127.0.0.1/",
        "http://ex%61mple.com/",
        "http://ⓔxample.com/",
        "http://127。0。0。1/",
        "http://example.com/ü",
        "http://-example.com/",
        "http://example..com/",
        "http://example.com./",
        "http://" + "a" * 64 + ".example/",
        "https://example.com/" + "a" * 9000,
    ],
)
def test_odd_urls_are_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        read_target(url)
    assert len(caught.value.detail) > 20


@given(st.text(max_size=60) | st.text(max_size=40).map("http://".__add__))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        target = read_target(text)
    except OutboundRefused:
        return
    assert target.scheme in ("http", "https")
    assert target.host


def test_a_redirect_may_be_relative_but_never_from_https_to_http() -> None:
    base = read_target("https://example.com/a/b")
    assert read_redirect(base, "c?d=1").path == "/a/c?d=1"
    assert read_redirect(base, "//other.example/").origin == "https://other.example:443"
    with pytest.raises(OutboundRefused):
        read_redirect(base, "http://example.com/")
    with pytest.raises(OutboundRefused):
        read_redirect(base, "http://[")
