"""Names to addresses, with a time limit."""

import socket
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from wildrydes.kernel.http.errors import OutboundNotSent

Resolver = Callable[[str, int], Sequence[str]]
"""Takes host and port, returns addresses as text; raises OSError when there are none."""

# A resolver that hangs must not pile up threads without bound.
_LOOKUPS_IN_FLIGHT = 64
_slots = threading.BoundedSemaphore(_LOOKUPS_IN_FLIGHT)


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the operating system (hosts file, DNS), without a time limit of its own."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def resolve(resolver: Resolver, host: str, port: int, *, seconds: float) -> Sequence[str]:
    """Resolve in a thread of its own, because `getaddrinfo` cannot be interrupted and may take minutes.

    Raises:
        OutboundNotSent: no address, or not within `seconds`.
    """
    if not _slots.acquire(timeout=max(seconds, 0)):
        raise OutboundNotSent("Too many name look-ups are hanging; check the DNS servers of this machine")
    answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolver(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)
        finally:
            _slots.release()

    threading.Thread(target=look_up, name="outbound-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=max(seconds, 0))
    except Empty:
        raise OutboundNotSent(f"The name {host} was not resolved within {seconds:.1f} s") from None
    if isinstance(answer, Exception) or not answer:
        raise OutboundNotSent(f"The name {host} has no address; check its spelling and DNS")
    return answer
