"""Which servers are served: Redis from 6.2, or Valkey; no cluster."""

from typing import Any

import redis

from fairqueue.errors import ClusterRefused, ServerTooOld

_OLDEST = (6, 2)


def require_supported(client: Any, transport: Any) -> None:
    """Look once per connection at what the server is.

    Raises:
        ClusterRefused: for a Redis Cluster.
        ServerTooOld: before Redis 6.2.
    """
    if getattr(transport, "fair_server_checked", False):
        return
    try:
        info = client.info("server")
    except redis.exceptions.NoPermissionError:
        # A user who may not ask is served: a cluster would refuse the scripts' keys, an old server their commands.
        transport.fair_server_checked = True
        return
    version = tuple(int(part) for part in str(info.get("redis_version", "0")).split(".")[:2])
    if info.get("redis_mode") == "cluster" or info.get("server_mode") == "cluster":
        raise ClusterRefused(
            "fairqueue does not run on a Redis Cluster: taking a message is one atomic step over all keys of its queue. "
            "Use a single server, with replicas and Sentinel where you need them."
        )
    if version < _OLDEST:
        raise ServerTooOld(f"fairqueue needs Redis 6.2 or newer, or Valkey; this is Redis {info.get('redis_version')}.")
    transport.fair_server_checked = True
