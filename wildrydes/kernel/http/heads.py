"""Reading the head of an answer without the standard library's leniency.

`http.client` takes a head that breaks off, or has a line that is no header, for a complete one. A status whose headers
are missing might be acted upon, and a lost `Content-Length` would shift the frame, so both count as no answer.
"""

import http.client
from typing import BinaryIO, cast


class _HeadReader:
    """The lines of a head, each of which must end as lines do."""

    def __init__(self, wire: BinaryIO) -> None:
        self._wire = wire

    def readline(self, limit: int = -1) -> bytes:
        line = self._wire.readline(limit)
        # A line at the limit is refused by http.client itself, as too long.
        if not line.endswith(b"\n") and len(line) != limit:
            raise ConnectionResetError("the connection ended within the head")
        return line

    def flush(self) -> None:
        self._wire.flush()

    def close(self) -> None:
        self._wire.close()


class WholeHeadResponse(http.client.HTTPResponse):
    """A response whose head arrived whole and consists of headers only."""

    def begin(self) -> None:
        """Read status line and headers.

        Raises:
            ConnectionError: the connection ended before the head did.
            http.client.HTTPException: a line is no header.
        """
        wire = cast("BinaryIO", self.fp)
        self.fp = cast("BinaryIO", _HeadReader(wire))  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            self.fp = wire  # type: ignore[assignment]
        leftover = self.msg.get_payload()
        if isinstance(leftover, str) and leftover.strip():
            raise http.client.HTTPException("a line of the head is no header")
