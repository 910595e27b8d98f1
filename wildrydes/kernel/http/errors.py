"""What can go wrong with a call to the outside, split by what the caller may do next."""

from wildrydes.kernel.errors import InvalidInput


class OutboundError(Exception):
    """A call to the outside brought no complete answer.

    The texts name scheme, host and port at most: paths and queries of tenants' addresses carry secrets.
    """


class OutboundRefused(OutboundError, InvalidInput):
    """Policy forbids the address or the request: nothing was sent to it, and trying again will not help.

    An `InvalidInput`, because the address usually came from a person, who is shown `detail`.
    """

    code = "address-refused"
    title = "This address may not be called"


class OutboundNotSent(OutboundError):
    """No connection came about (name, TCP or TLS): surely nothing was processed, so trying again is safe."""


class OutboundUnknown(OutboundError):
    """The request was sent, or may have been, and no full answer came: look the outcome up before trying again.

    Attributes:
        status: the HTTP status when at least the answer's head arrived, else None.
    """

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
