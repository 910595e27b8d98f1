"""TLS against a real server with certificates made for the test."""

import datetime
import ipaddress
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.kernel.http.conftest import OK, RawServer, always, loopback_client, raw_server
from wildrydes.kernel.http import OutboundNotSent, OutboundUnknown


@dataclass
class Tls:
    ca_file: str
    context: ssl.SSLContext
    sni: list[str | None]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A self-signed certificate for good.example and 127.0.0.1, and a context that notes which name was asked for."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "good.example")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("good.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "cert.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    sni: list[str | None] = []
    context.sni_callback = lambda _socket, asked, _context: sni.append(asked)
    return Tls(str(pem), context, sni)


@pytest.fixture
def server(tls: Tls) -> Iterator[RawServer]:
    with raw_server(always(OK, keep=True), tls.context) as running:
        yield running


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_certificate_and_sni_are_for_the_name_not_the_address(tls: Tls, server: RawServer) -> None:
    client = loopback_client(resolver=here, ca_file=tls.ca_file)
    for _ in range(2):
        response = client.request("GET", server.url(host="good.example", scheme="https"))
        assert response.body == b"ok"
    assert tls.sni[-1] == "good.example"
    assert server.connections == 1, "kept for reuse"
    assert client.request("GET", server.url(scheme="https")).body == b"ok"


def test_a_certificate_for_another_name_is_not_accepted(tls: Tls, server: RawServer) -> None:
    client = loopback_client(resolver=here, ca_file=tls.ca_file)
    with pytest.raises(OutboundNotSent, match="certificate"):
        client.request("GET", server.url(host="other.example", scheme="https"))
    assert server.requests == []


def test_an_unknown_authority_is_not_accepted(server: RawServer) -> None:
    with pytest.raises(OutboundNotSent, match="certificate"):
        loopback_client(resolver=here).request("GET", server.url(host="good.example", scheme="https"))
    assert server.requests == []


def test_plain_http_on_a_tls_port_was_not_sent() -> None:
    with raw_server(always(OK)) as plain, pytest.raises(OutboundNotSent):
        loopback_client(connect_timeout=0.3).request("GET", plain.url(scheme="https"))


def test_a_drip_over_tls_is_cut_too(tls: Tls) -> None:
    def drip(connection: object, _request: bytes) -> None:
        while True:
            connection.sendall(b"x")  # type: ignore[attr-defined]
            time.sleep(0.05)

    with raw_server(drip, tls.context) as dripping:
        began = time.monotonic()
        with pytest.raises(OutboundUnknown, match="time ran out"):
            loopback_client(ca_file=tls.ca_file).request("GET", dripping.url(scheme="https"), total_timeout=0.5)
        assert time.monotonic() - began < 1.5
