"""Reading a URL strictly: one spelling, one meaning (pure rules, no I/O).

Browsers and libraries disagree about odd URLs, and every disagreement is a way around a filter. So what is odd is
refused, with a sentence that says what to write in its place.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urljoin, urlsplit

from wildrydes.kernel.http.addresses import Address
from wildrydes.kernel.http.errors import OutboundRefused

MAX_URL_LENGTH = 8000
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# WHATWG URL, "ends in a number": such a host is an IPv4 address in decimal, octal or hexadecimal, or nothing.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_BRACKETED = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        scheme: `http` or `https`.
        host: lower-case ASCII name, or an address in its canonical spelling (no brackets).
        port: explicit or the scheme's default.
        path: what stands in the request line, query included.
        literal: the address when the host is one, else None.
    """

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None

    @property
    def origin(self) -> str:
        """Scheme, host and port: the unit of trust (RFC 6454), and all that error texts name."""
        return f"{self.scheme}://{self._host}:{self.port}"

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's own: what people call a server."""
        return self._host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def read_target(url: str) -> Target:
    """Take a URL apart.

    Raises:
        OutboundRefused: it is not a plain absolute http(s) URL.
    """
    if len(url) > MAX_URL_LENGTH:
        raise OutboundRefused(f"The URL is longer than {MAX_URL_LENGTH} characters; use a shorter one")
    if not _VISIBLE_ASCII.fullmatch(url) or "\\" in url:
        raise OutboundRefused(
            "The URL has a character that URLs cannot have (space, backslash, control or non-ASCII); "
            "percent-encode it, and write an international name in its xn-- form"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundRefused("The URL cannot be read; write it as https://host/path") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise OutboundRefused("Only http and https addresses can be called; start the URL with https://")
    if "@" in parts.netloc:
        raise OutboundRefused("The URL carries a user name or password; put credentials where the form asks for them")
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise OutboundRefused("The URL cannot be read; write it as https://host/path")
    if port == 0 or parts.netloc.endswith(":"):
        raise OutboundRefused("The URL's port is not valid; leave it out or use 1 to 65535")
    literal = _literal(parts)
    host = str(literal) if literal is not None else _name(parts.hostname or "")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.startswith("/"):
        raise OutboundRefused("The URL cannot be read; write it as https://host/path")
    return Target(scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], path=path, literal=literal)


def read_redirect(base: Target, location: str) -> Target:
    """The target of a `Location` header, which may be relative to where it came from.

    Raises:
        OutboundRefused: it is not a plain http(s) URL, or leads from https back to http.
    """
    try:
        joined = urljoin(base.origin + base.path, location)
    except ValueError:
        raise OutboundRefused(f"{base.origin} redirects to an address that cannot be read") from None
    target = read_target(joined)
    if base.scheme == "https" and target.scheme == "http":
        raise OutboundRefused(f"{base.origin} redirects from https to http; use the final https address")
    return target


def _literal(parts: SplitResult) -> Address | None:
    host = (parts.hostname or "").lower()
    try:
        if parts.netloc.startswith("["):
            address = IPv6Address(host)
            if address.scope_id is not None:
                raise OutboundRefused("The URL's address has a zone (%…), which only means something on one machine")
            return address
        if _NUMBER.fullmatch(host.rstrip(".").rsplit(".", 1)[-1]):
            return IPv4Address(host)
    except AddressValueError:
        raise OutboundRefused(
            "The URL's host is a number in an unusual spelling; write an address as four decimal parts, or use a name"
        ) from None
    return None


def _name(host: str) -> str:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise OutboundRefused("The URL's host is not a valid name; use letters, digits, hyphens and dots")
    return host
