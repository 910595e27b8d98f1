"""What is hashed, and how: version 1 of the journal's encoding. It is never changed; another way is another version.

Everything is text as PostgreSQL writes it (times as seconds since 1970, so no time zone matters), each field preceded by its
length, and absent ones told from empty ones. A payload is the text of its `jsonb`, whose order of keys is the order on disk;
a test with a hash written down finds a server that writes it in another way before that server is in production.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

VERSION = 1
HASH_BYTES = 32
NO_ID = UUID(int=0)
LAST_ID = UUID(int=2**128 - 1)
# Below every position, so that a chain's first segment covers whatever is there.
LOWEST = -(2**63)

# The fields of a message in the order in which they are hashed. The position is in the leaf, beside this digest: a message that
# was moved can then be told from one that was edited.
MESSAGE_FIELDS = ("id", "kind", "topic", "version", "payload", "correlation_id", "causation_id", "occurred_at")
_LEAF = struct.Struct(">16sq32s")


@dataclass(frozen=True, slots=True)
class Bound:
    """A place in the order of messages: by position, then by id."""

    position: int
    id: UUID


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a segment remembers of one message."""

    id: UUID
    position: int
    digest: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a segment's hash covers. Times are seconds since 1970, as PostgreSQL's `extract(epoch …)::text` writes them."""

    encoding: int
    number: int
    previous_hash: bytes
    after: Bound
    upto: Bound
    count: int
    first_at: str
    last_at: str
    sealed_at: str
    content_hash: bytes


def message_digest(fields: Sequence[str | None]) -> bytes:
    """SHA-256 of a message's fields, given as text in the order of `MESSAGE_FIELDS`."""
    return _hash("wildrydes journal message", fields)


def content_hash(leaves: bytes) -> bytes:
    """SHA-256 of a segment's packed leaves."""
    return hashlib.sha256(leaves).digest()


def genesis_hash(chain_id: UUID) -> bytes:
    """What the first segment of a chain names as its predecessor: no segment fits into two chains."""
    return _hash("wildrydes journal chain", [str(VERSION), str(chain_id)])


def segment_hash(chain_id: UUID, header: Header) -> bytes:
    """The hash of a segment, which the next one names and which is written outside the database."""
    return _hash(
        "wildrydes journal segment",
        [
            str(chain_id),
            str(header.encoding),
            str(header.number),
            header.previous_hash.hex(),
            *(str(header.after.position), str(header.after.id)),
            *(str(header.upto.position), str(header.upto.id)),
            str(header.count),
            *(header.first_at, header.last_at, header.sealed_at),
            header.content_hash.hex(),
        ],
    )


def pack(leaves: Iterable[Leaf]) -> bytes:
    """The leaves as a segment stores them: 56 bytes each (id, position, digest), in order."""
    return b"".join(_LEAF.pack(leaf.id.bytes, leaf.position, leaf.digest) for leaf in leaves)


def unpack(packed: bytes) -> Iterator[Leaf]:
    """The leaves again; bytes that are left over at the end (someone has edited them) are passed over."""
    whole = len(packed) - len(packed) % _LEAF.size
    for raw_id, position, digest in _LEAF.iter_unpack(packed[:whole]):
        yield Leaf(UUID(bytes=raw_id), position, digest)


def _hash(purpose: str, fields: Iterable[str | None]) -> bytes:
    digest = hashlib.sha256()
    for field in (purpose, *fields):
        if field is None:
            digest.update(b"\x00")
        else:
            raw = field.encode()
            digest.update(b"\x01" + len(raw).to_bytes(8, "big") + raw)
    return digest.digest()
