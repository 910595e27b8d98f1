"""The names of queues: `<class>.<pool>` and what comes after it. Bounded, and made of characters that every tool takes."""

import hashlib
import re

# A lane is a queue's name, a separator and a tenant's id, and deliveries remember it in 120 characters.
LONGEST = 80
_PLAIN = re.compile(r"\A[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z")
VALID = re.compile(r"\A[a-z]{1,20}\.[A-Za-z0-9_.-]{1,59}\Z")
# The kinds that `dedicated` and `overflow` use.
_TENANTS = re.compile(r"(\.(?:own|over))-.*\Z", re.DOTALL)


def segment(key: str) -> str:
    """A tenant's part of a name: its key where that is plain, else a digest, which no plain key can equal."""
    if _PLAIN.match(key):
        return key
    return "_" + hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def shared(queue_class: str, pool: str) -> str:
    """The one queue of a class for a pool."""
    return f"{queue_class}.{pool}"


def numbered(queue_class: str, pool: str, kind: str, number: int) -> str:
    """One of several alike: `payments.basic.cell-3`."""
    return f"{queue_class}.{pool}.{kind}-{number}"


def of_tenant(queue_class: str, pool: str, kind: str, key: str) -> str:
    """A tenant's own: `payments.enterprise.own-acme`."""
    return f"{queue_class}.{pool}.{kind}-{segment(key)}"


def without_tenant(queue: str) -> str:
    """The name as it may be a metric's label: `payments.enterprise.own` for every tenant's own queue."""
    return _TENANTS.sub(r"\1", queue)
