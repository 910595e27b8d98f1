"""A segment's messages, held against what the segment remembers of them."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from messaging.journal.encoding import Leaf, content_hash, unpack
from messaging.journal.findings import Finding, Kind
from messaging.journal.rows import StoredSegment, leaves_between, positions_of

# So many more than there should be are read; who inserted more is told as "or more".
_SPARE = 1_000


def compare(schema: str, segment: StoredSegment) -> list[Finding]:
    """What differs between the segment and its messages as they are now; at most two thousand are in memory."""
    number = segment.number
    if segment.purged != (segment.leaves is None):
        return [Finding(kind=Kind.SEGMENT_EDITED, segment=number, text="Its purge and its list of messages disagree.")]
    if segment.leaves is not None and content_hash(segment.leaves) != segment.header.content_hash:
        return [Finding(kind=Kind.SEGMENT_EDITED, segment=number, text="Its list of messages does not fit its hash.")]
    remembered = list(unpack(segment.leaves or b""))
    found = leaves_between(schema, segment.header.after, segment.header.upto, limit=len(remembered) + _SPARE)
    if remembered == found:
        return []
    return list(_differences(schema, number, remembered, found))


def _differences(schema: str, number: int, remembered: Sequence[Leaf], found: Sequence[Leaf]) -> Iterator[Finding]:
    here: dict[UUID, Leaf] = {}
    for leaf in found:
        if leaf.id in here:
            yield _finding(Kind.INSERTED, number, leaf.id, f"The id stands twice, the second time at {leaf.position}.")
        here.setdefault(leaf.id, leaf)
    missing = [leaf for leaf in remembered if leaf.id not in here]
    elsewhere = positions_of(schema, [leaf.id for leaf in missing]) if missing else {}
    for leaf in remembered:
        now = here.pop(leaf.id, None)
        if now is None and leaf.id in elsewhere:
            yield _finding(
                Kind.MOVED, number, leaf.id, f"It was at {leaf.position} and is at {elsewhere[leaf.id]} now."
            )
        elif now is None:
            yield _finding(Kind.DELETED, number, leaf.id, f"It was at {leaf.position}.")
        elif now.digest != leaf.digest:
            yield _finding(
                Kind.EDITED, number, leaf.id, f"At {leaf.position}: its fields are not those that were sealed."
            )
        elif now.position != leaf.position:
            yield _finding(Kind.MOVED, number, leaf.id, f"It was at {leaf.position} and is at {now.position} now.")
    for leaf in here.values():
        yield _finding(Kind.INSERTED, number, leaf.id, f"At {leaf.position}, where none was when it was sealed.")


def _finding(kind: Kind, segment: int, message_id: UUID, text: str) -> Finding:
    return Finding(kind=kind, segment=segment, message_id=message_id, text=text)
