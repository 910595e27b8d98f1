"""The transports: `fairqueue` and its Sentinel twin. To Celery they are Redis (`driver_type`), so that all of its tools work."""

from typing import Any

from kombu.transport import redis as stock
from kombu.utils.url import parse_url

from fairqueue.channel import FairChannel
from fairqueue.poller import Poller

_OWN_SCHEMES = ("redis://", "rediss://")


class Transport(stock.Transport):
    """Redis with fair queues.

    URLs: `fair+redis://`, `fair+rediss://`, `fair+socket://`, or `redis://` with `broker_transport = "fairqueue"`.
    """

    Channel = FairChannel
    can_parse_url = False

    def __init__(self, client: Any, **kwargs: Any) -> None:
        """Read the part of a `fair+…` URL that kombu left alone."""
        hostname = client.hostname or ""
        if hostname.startswith(_OWN_SCHEMES):
            parts = parse_url(hostname)
            for name in ("hostname", "port", "userid", "password", "virtual_host"):
                setattr(client, name, parts.get(name))
            if parts.get("ssl"):
                client.ssl = parts["ssl"]
        super().__init__(client, **kwargs)
        self.cycle = Poller()
        # Messages in flight that were taken by a claim: kombu hands some to another channel than the one that took them.
        self.fair_tags: set[str] = set()

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
    """The same behind Sentinel: `fair-sentinel+sentinel://` or `broker_transport = "fair-sentinel"`."""

    default_port = stock.SentinelTransport.default_port
    Channel = SentinelChannel
