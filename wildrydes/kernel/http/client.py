"""The one client through which all HTTP to the outside goes."""

import http.client
import logging
import ssl
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from wildrydes.kernel.http.addresses import Address
from wildrydes.kernel.http.config import OutboundConfig
from wildrydes.kernel.http.connections import (
    IdlePool,
    PinnedConnection,
    PinnedHTTPConnection,
    PinnedHTTPSConnection,
    PoolKey,
    set_budget,
    tls_context,
)
from wildrydes.kernel.http.errors import OutboundNotSent, OutboundRefused, OutboundUnknown
from wildrydes.kernel.http.observing import CallInProgress, observed
from wildrydes.kernel.http.outgoing import SAFE_METHODS, Outgoing, next_hop, outgoing
from wildrydes.kernel.http.policy import checked_addresses
from wildrydes.kernel.http.resolving import Resolver, system_resolver
from wildrydes.kernel.http.responses import Response, decoded
from wildrydes.kernel.http.sockets import Budget, BudgetSocket
from wildrydes.kernel.http.targets import Target, read_target

# urllib3 logs whole URLs when a server's headers are malformed; paths and queries of tenants' addresses carry secrets.
logging.getLogger("urllib3").setLevel(logging.ERROR)

# Chunked framing may multiply a body of tiny chunks; beyond this the server is playing games.
_FRAMING_FACTOR = 8
_MOST_ADDRESSES_TRIED = 4
_READ_BYTES = 64 * 1024
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_WIRE_ERRORS = (OSError, http.client.HTTPException, HTTPError, ValueError)


class OutboundClient:
    """Calls public HTTP servers, within limits of time and size, and nothing else.

    Safe for threads. A name is resolved once per call (and per redirect), every address is checked, and the connection
    goes to exactly a checked address, so that a name whose answer changes gains nothing. Proxies from the environment
    are ignored. Connections are kept for reuse per checked address and name.

    Args:
        config: the policy and the limits.
        resolver: asks for the addresses of a name; the operating system's by default.
    """

    def __init__(self, config: OutboundConfig | None = None, *, resolver: Resolver = system_resolver) -> None:
        self._config = config or OutboundConfig()
        self._resolver = resolver
        self._tls = tls_context(self._config.ca_file)
        self._pool = IdlePool(max_idle=self._config.max_idle, idle_seconds=self._config.idle_seconds)

    def check_url(self, url: str) -> None:
        """Tell whether a URL could be called, when it is configured rather than when it is needed.

        Raises:
            OutboundRefused: it could not; `detail` tells the person who typed it why.
        """
        deadline = time.monotonic() + self._config.connect_timeout
        try:
            checked_addresses(read_target(url), self._config, self._resolver, deadline=deadline)
        except OutboundNotSent as error:
            raise OutboundRefused(str(error)) from error

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes | None = None,
        json_body: object = None,
        total_timeout: float | None = None,
        max_body_bytes: int | None = None,
        follow_redirects: int = 0,
        purpose: str = "",
        show_path: bool = False,
    ) -> Response:
        """Send one request and read the whole answer.

        Args:
            method: GET, HEAD, POST, PUT, PATCH or DELETE.
            url: absolute http(s) URL.
            headers: added to the client's own; a correlation id or a signature is the caller's business.
            body: sent as it is.
            json_body: sent as compact JSON instead of `body`.
            total_timeout: seconds for everything; the configured one by default.
            max_body_bytes: largest answer; the configured one by default.
            follow_redirects: how many hops to follow at most; then the redirect itself is the answer.
            purpose: what the call is for, such as `charge`, for those who look at the record of calls.
            show_path: whether that record may have the path (never the query). Not for addresses that people typed in:
                their paths carry secrets.

        Raises:
            OutboundRefused: policy; nothing was sent (after a redirect: nothing to the refused address).
            OutboundNotSent: no connection; surely nothing was processed.
            OutboundUnknown: sent or perhaps sent, without a full answer.
        """
        deadline = time.monotonic() + (self._config.total_timeout if total_timeout is None else total_timeout)
        limit = self._config.max_body_bytes if max_body_bytes is None else max_body_bytes
        with observed(CallInProgress(method=method, purpose=purpose)) as call:
            target = read_target(url)
            request = outgoing(
                method, target, headers=headers, body=body, json_body=json_body, user_agent=self._config.user_agent
            )
            response = self._hop(request, call, show_path=show_path, deadline=deadline, limit=limit)
        for _ in range(follow_redirects):
            following = next_hop(request, response)
            if following is None:
                break
            request = following
            with observed(CallInProgress(method=request.method, purpose=purpose)) as call:
                response = self._hop(request, call, show_path=show_path, deadline=deadline, limit=limit)
        return response

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    def _hop(
        self, request: Outgoing, call: CallInProgress, *, show_path: bool, deadline: float, limit: int
    ) -> Response:
        call.host = request.target.authority
        call.path = request.target.path.partition("?")[0] if show_path else ""
        response = self._answer(request, deadline=deadline, limit=limit)
        call.status = response.status
        return response

    def _answer(self, request: Outgoing, *, deadline: float, limit: int) -> Response:
        addresses = checked_addresses(request.target, self._config, self._resolver, deadline=deadline)
        kept, key = self._kept_connection(request.target, addresses)
        if kept is not None and key is not None:
            try:
                return self._exchange(kept, key, request, deadline=deadline, limit=limit)
            except _ClosedWhileIdleError as error:
                # The server closed it as the request was on its way. Only what is safe may go out a second time.
                if request.method not in SAFE_METHODS:
                    raise _unknown(request.target, error) from error
        connection, key = self._new_connection(request.target, addresses, deadline=deadline)
        try:
            return self._exchange(connection, key, request, deadline=deadline, limit=limit)
        except _ClosedWhileIdleError as error:
            raise _unknown(request.target, error) from error

    def _kept_connection(
        self, target: Target, addresses: Sequence[Address]
    ) -> tuple[PinnedConnection | None, PoolKey | None]:
        for address in addresses:
            key = (target.scheme, target.host, target.port, address)
            connection = self._pool.take(key)
            if connection is not None:
                return connection, key
        return None, None

    def _new_connection(
        self, target: Target, addresses: Sequence[Address], *, deadline: float
    ) -> tuple[PinnedConnection, PoolKey]:
        until = min(deadline, time.monotonic() + self._config.connect_timeout)
        candidates = addresses[:_MOST_ADDRESSES_TRIED]
        problem: Exception = TimeoutError("no time left to connect")
        for number, address in enumerate(candidates):
            seconds = (until - time.monotonic()) / (len(candidates) - number)
            if seconds <= 0:
                break
            connection = self._connection(target, address, seconds=seconds)
            try:
                connection.connect()
            except _WIRE_ERRORS as error:
                connection.close()
                problem = error
            else:
                return connection, (target.scheme, target.host, target.port, address)
        raise OutboundNotSent(f"{target.origin} cannot be reached: {_cause(problem)}") from problem

    def _connection(self, target: Target, address: Address, *, seconds: float) -> PinnedConnection:
        if target.scheme == "https":
            return PinnedHTTPSConnection(target, address, seconds=seconds, context=self._tls)
        return PinnedHTTPConnection(target, address, seconds=seconds)

    def _exchange(
        self, connection: PinnedConnection, key: PoolKey, request: Outgoing, *, deadline: float, limit: int
    ) -> Response:
        if time.monotonic() >= deadline:
            connection.close()
            raise OutboundNotSent(f"{request.target.origin}: no time was left to send the request")
        budget = Budget(deadline=deadline, silence=self._config.read_timeout, allowance=self._config.max_header_bytes)
        set_budget(connection, budget)
        status: int | None = None
        try:
            connection.request(
                request.method, request.target.path, body=request.body, headers=request.headers, preload_content=False
            )
            raw = connection.getresponse()
            status = raw.status
            budget.allowance = _FRAMING_FACTOR * limit + self._config.max_header_bytes
            response = _read(raw, request.target, limit=limit)
        except _WIRE_ERRORS as error:
            connection.close()
            if isinstance(error, ConnectionError) and budget.allowance == self._config.max_header_bytes:
                raise _ClosedWhileIdleError("the server closed the connection") from error
            raise _unknown(request.target, error, status=status) from error
        except BaseException:
            connection.close()
            raise
        # After `Connection: close` or HTTP/1.0, http.client has closed it already.
        if isinstance(connection.sock, BudgetSocket):
            self._pool.give(key, connection)
        return response


class _ClosedWhileIdleError(Exception):
    """The connection ended before a single byte of an answer."""


def _read(raw: HTTPResponse, target: Target, *, limit: int) -> Response:
    if raw.status < 200:
        raise ValueError("the answer is an interim one only")
    body = bytearray()
    while chunk := raw.read(min(_READ_BYTES, limit + 1), decode_content=False):
        body += chunk
        if len(body) > limit:
            raise ValueError("the answer is larger than allowed")
    headers: dict[str, str] = {}
    for name, value in raw.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    plain = decoded(bytes(body), headers.get("content-encoding", ""), limit=limit)
    return Response(status=raw.status, headers=MappingProxyType(headers), body=plain, origin=target.origin)


def _unknown(target: Target, error: Exception, *, status: int | None = None) -> OutboundUnknown:
    answered = f" after answering {status}" if status is not None else ""
    return OutboundUnknown(f"{target.origin} gave no full answer{answered}: {_cause(error)}", status=status)


def _cause(error: Exception) -> str:
    """A short reason without addresses of objects or parts of the URL in it."""
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        return "time ran out"
    if isinstance(error, ssl.SSLCertVerificationError) or "certificate verify failed" in str(error).lower():
        return "its certificate is not valid for this name"
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error).lower():
        return "connection refused"
    if isinstance(error, ValueError) and str(error).startswith("the answer"):
        return str(error)
    return type(error).__name__
