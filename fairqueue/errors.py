"""What can go wrong, in words that say what to do."""


class FairqueueError(Exception):
    """The root of this package's errors."""


class ClusterRefused(FairqueueError):
    """The server is a Redis Cluster, where a queue's keys would be spread over nodes."""


class ServerTooOld(FairqueueError):
    """The server is older than Redis 6.2."""


class InvalidLimit(FairqueueError, ValueError):
    """A weight or cap that makes no sense."""
