"""The encoding never changes: hashes written down here are those of production's journals."""

from uuid import UUID

import pytest

from messaging.journal.encoding import (
    MESSAGE_FIELDS,
    Bound,
    Header,
    Leaf,
    content_hash,
    genesis_hash,
    message_digest,
    pack,
    segment_hash,
    unpack,
)
from messaging.journal.models import Message
from messaging.journal.rows import leaves_between
from tests.messaging.journal.conftest import execute

CHAIN = UUID("0193dc2e-0000-7000-8000-000000000001")
WANTED = {
    "message": "3d9fd6e31c553b1e91f7612d1772b8eec962cd864c680b9cb4d9c7795bb1ecec",
    "segment": "a475ed94c05cc45c9b5f4c5b562e4b3ad3247cdd4227c46c99277cca58d01aeb",
    "genesis": "464f9ba80133004e83f23495f7db3d09bde6765d2c422163c1798bbdce05f2b7",
}


def test_every_column_of_a_message_is_sealed():
    """A new column needs a new version of the encoding, or it could be edited unseen."""
    assert {field.column for field in Message._meta.fields} == {*MESSAGE_FIELDS, "position"}


def test_the_hash_of_a_message_as_the_database_writes_it_is_the_one_written_down(in_tenant):
    """If a new version of PostgreSQL fails this, every sealed journal would look edited there: a new encoding is needed first."""
    execute(
        "INSERT INTO journal_message (id, kind, topic, version, payload, correlation_id, causation_id, occurred_at, position)"
        " VALUES ('0193dc2e-0000-7000-8000-000000000002', 'event', 'ride.booked', 3,"
        """ '{"b": [1, 2.50, -0.0000001, 1e30, null, true], "aa": {"ü": "\\u0001 \\"q\\" \\\\ 🦄"}, "a": ""}',"""
        " '0193dc2e-0000-7000-8000-000000000003', NULL, '2026-11-21 10:11:12.000340+00', 9000000000)"
    )
    (leaf,) = leaves_between(
        in_tenant.schema_name, Bound(9 * 10**9 - 1, UUID(int=0)), Bound(9 * 10**9, UUID(int=2**128 - 1)), limit=5
    )
    assert (leaf.position, leaf.digest.hex()) == (9 * 10**9, WANTED["message"])


def header(**other):
    return Header(
        **{
            "encoding": 1,
            "number": 7,
            "previous_hash": b"\x01" * 32,
            "after": Bound(0, UUID(int=0)),
            "upto": Bound(20, UUID(int=2**128 - 1)),
            "count": 12,
            "first_at": "1763719872.000340",
            "last_at": "1763719873.500000",
            "sealed_at": "1763719880.000001",
            "content_hash": b"\x02" * 32,
            **other,
        }
    )


def test_the_hash_of_a_segment_is_the_one_written_down():
    assert segment_hash(CHAIN, header()).hex() == WANTED["segment"]
    assert genesis_hash(CHAIN).hex() == WANTED["genesis"]


@pytest.mark.parametrize(
    "other",
    [
        {"encoding": 2},
        {"number": 8},
        {"previous_hash": b"\x03" * 32},
        {"after": Bound(1, UUID(int=0))},
        {"after": Bound(0, UUID(int=1))},
        {"upto": Bound(21, UUID(int=2**128 - 1))},
        {"upto": Bound(20, UUID(int=1))},
        {"count": 11},
        {"first_at": "1"},
        {"last_at": "1"},
        {"sealed_at": "1"},
        {"content_hash": b""},
    ],
    ids=lambda other: "_".join(other),
)
def test_a_segments_hash_covers_every_field(other):
    assert segment_hash(CHAIN, header(**other)) != segment_hash(CHAIN, header())
    assert segment_hash(UUID(int=1), header()) != segment_hash(CHAIN, header())


def test_neighbouring_fields_cannot_trade_places():
    assert message_digest(["ab", "c"]) != message_digest(["a", "bc"])
    assert message_digest([None, ""]) != message_digest(["", None])


def test_leaves_are_packed_and_unpacked_and_leftovers_passed_over():
    leaves = [Leaf(UUID(int=number), number - 2, bytes([number]) * 32) for number in range(5)]
    assert list(unpack(pack(leaves))) == leaves
    assert list(unpack(pack(leaves) + b"x")) == leaves
    assert content_hash(pack(leaves)) != content_hash(pack(leaves[::-1]))
