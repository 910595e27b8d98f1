"""What is sent: method, headers and body, checked before anything is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from wildrydes.kernel.http.errors import OutboundRefused
from wildrydes.kernel.http.responses import Response
from wildrydes.kernel.http.targets import Target, read_redirect

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5: no CR, LF or NUL
# Framing and routing belong to the client; a caller that set them could smuggle a second request.
_OWN_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "expect",
        "te",
        "upgrade",
        "accept-encoding",
        "trailer",
    }
)
# All that follows a redirect to another origin. Everything else may be a credential or a signature by some name.
_CROSS_ORIGIN_HEADERS = frozenset({"accept", "accept-language", "user-agent"})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request to one target."""

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None


def outgoing(
    method: str, target: Target, *, headers: Mapping[str, str], body: bytes | None, json_body: object, user_agent: str
) -> Outgoing:
    """Check and complete a request.

    Raises:
        OutboundRefused: a header's name or value would break the request's frame, or a method is not among `METHODS`.
        ValueError: both `body` and `json_body` are given.
    """
    if method not in METHODS:
        raise OutboundRefused(f"The method {method[:20]!r} is not used; use one of {', '.join(sorted(METHODS))}")
    complete = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
    if json_body is not None:
        if body is not None:
            raise ValueError("give either body or json_body")
        body = json.dumps(json_body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        complete["Content-Type"] = "application/json"
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
            raise OutboundRefused(f"The header {name[:40]!r} has a character that headers cannot have; remove it")
        if name.lower() in _OWN_HEADERS:
            raise OutboundRefused(f"The header {name} is set by the client itself; remove it")
        twin = next((known for known in complete if known.lower() == name.lower()), None)
        if twin is not None:
            del complete[twin]
        complete[name] = value
    return Outgoing(method=method, target=target, headers=complete, body=body)


def next_hop(sent: Outgoing, response: Response) -> Outgoing | None:
    """The request that a redirect asks for, or None when the response is the final answer (RFC 9110, 15.4).

    301 and 302 are followed for GET and HEAD only, because clients disagree about what becomes of a POST; 303 turns
    into GET; 307 and 308 repeat the request. A body never goes to another origin. Of the headers only harmless ones do.

    Raises:
        OutboundRefused: the redirect leads to what is no plain http(s) URL, or from https to http.
    """
    location = response.headers.get("location")
    if location is None or response.status not in (301, 302, 303, 307, 308):
        return None
    if response.status in (301, 302) and sent.method not in SAFE_METHODS:
        return None
    target = read_redirect(sent.target, location)
    hop = replace(sent, target=target)
    if response.status == 303 and sent.method != "HEAD":
        headers = {name: value for name, value in sent.headers.items() if name.lower() != "content-type"}
        hop = replace(hop, method="GET", body=None, headers=headers)
    if target.origin == sent.target.origin:
        return hop
    if hop.body is not None or hop.method not in SAFE_METHODS:
        return None
    kept = {name: value for name, value in hop.headers.items() if name.lower() in _CROSS_ORIGIN_HEADERS}
    return replace(hop, headers={**kept, "Accept-Encoding": "gzip"})
