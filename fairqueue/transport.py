"""The transports: `fairqueue` and its Sentinel twin. To Celery they are Redis (`driver_type`), so that all of its tools work."""

import ssl
from typing import Any, ClassVar

from kombu.transport import redis as stock
from kombu.utils.url import parse_url

from fairqueue.channel import FairChannel
from fairqueue.poller import Poller


class Transport(stock.Transport):
    """Redis with fair queues.

    URLs: `fair+redis://`, `fair+rediss://`, `fair+socket://`, or `redis://` with `broker_transport = "fairqueue"`.
    """

    Channel = FairChannel
    can_parse_url = False
    prefix: ClassVar[str] = "fair+"
    schemes: ClassVar[tuple[str, ...]] = ("redis://", "rediss://")

    def __init__(self, client: Any, **kwargs: Any) -> None:
        """Read the part of a `fair+…` URL that kombu left alone, and see that a failover stays with this transport."""
        self._read_url(client)
        self._keep_over_failover(client)
        super().__init__(client, **kwargs)
        self.cycle = Poller()
        # Messages in flight that were taken by a claim: kombu hands some to another channel than the one that took them.
        self.fair_tags: set[str] = set()

    def _read_url(self, client: Any) -> None:
        url = client.hostname or ""
        encrypted = url.startswith("rediss://") or client.transport_cls == "fair+rediss"
        if url.startswith(self.schemes):
            parts = parse_url(url)
            for name in ("port", "userid", "password", "virtual_host", "ssl"):
                setattr(client, name, parts.get(name) or getattr(client, name))
            client.hostname, client.uri_prefix = parts["hostname"] or "localhost", None
        if encrypted and not client.ssl:
            client.ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}

    def _keep_over_failover(self, client: Any) -> None:
        """Kombu takes the transport from the scheme of the next URL: it would go on with its own."""
        if client.alt and not getattr(client, "stays_fair", False):
            client.alt = [str(url).removeprefix(self.prefix) for url in client.alt]
            urls = [self.prefix + url if url.startswith(self.schemes) else url for url in client.alt]
            client.cycle, client.stays_fair = client.failover_strategy(urls), True

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """As kombu's, with a timer for the heartbeat."""
        super().register_with_event_loop(connection, loop)
        if self.cycle.heartbeat_timer is not None:
            self.cycle.heartbeat_timer.cancel()
        timeout = float(self.client.transport_options.get("visibility_timeout", FairChannel.visibility_timeout))
        self.cycle.heartbeat_timer = loop.call_repeatedly(max(0.1, timeout / 6), self.cycle.maybe_beat)


class SentinelChannel(FairChannel, stock.SentinelChannel):
    """Fair queues on the master that Sentinel names."""

    from_transport_options = stock.SentinelChannel.from_transport_options


class SentinelTransport(Transport):
    """The same behind Sentinel: `fair-sentinel+sentinel://`, or `sentinel://` with `broker_transport = "fair-sentinel"`."""

    default_port = stock.SentinelTransport.default_port
    Channel = SentinelChannel
    prefix = "fair-sentinel+"
    schemes = ("sentinel://",)
