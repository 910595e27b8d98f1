"""Sockets that keep to one deadline and one byte allowance across many reads.

A socket's own timeout starts again with every byte, so a server that drips could hold a worker for ever. Here each read
and write gets what is left of the call's time.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class TooLargeError(OSError):
    """The server sent more than it was allowed to."""


@dataclass(slots=True)
class Budget:
    """What is left for one call on one connection.

    Attributes:
        deadline: on the monotonic clock, in seconds.
        silence: longest wait for the next byte, in seconds.
        allowance: bytes that may still be received.
    """

    deadline: float
    silence: float
    allowance: int

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: none are.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the call's total time is used up")
        return left

    def spend(self, received: int) -> None:
        """Count received bytes.

        Raises:
            TooLargeError: the allowance is used up.
        """
        self.allowance -= received
        if self.allowance < 0:
            raise TooLargeError("the answer is larger than allowed")


class BudgetSocket(socket.socket):
    """A TCP socket under a `Budget`; without one it behaves as usual."""

    budget: Budget | None = None

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0) -> int:
        """Receive as `socket.recv_into` does, in what is left of time and allowance."""
        if self.budget is None:
            return super().recv_into(buffer, nbytes or 0, flags)
        self.settimeout(min(self.budget.silence, self.budget.remaining()))
        received = super().recv_into(buffer, nbytes or 0, flags)
        self.budget.spend(received)
        return received

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Send as `socket.send` does, in what is left of time."""
        if self.budget is not None:
            self.settimeout(self.budget.remaining())
        return super().send(data, flags)

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        """Send all as `socket.sendall` does, in what is left of time."""
        if self.budget is not None:
            self.settimeout(self.budget.remaining())
        super().sendall(data, flags)


class BudgetTLSSocket(BudgetSocket, ssl.SSLSocket):
    """The same over TLS. The handshake is one call to OpenSSL and keeps to the socket's timeout as a whole."""
