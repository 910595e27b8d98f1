"""The points' part of a booking's story."""

from uuid import UUID

from loyalty.models import Entry
from wildrydes.kernel.story import Kind, Lookup, Moment, Tone

LOOKUPS = (
    Lookup(
        kind="loyalty entry",
        by="uuid",
        sql="SELECT booking_id, NULL::uuid, NULL::uuid FROM {s}loyalty_entry WHERE id = %(uuid)s",
    ),
)


def story_of(booking_id: UUID) -> list[Moment]:
    """Points given and taken back."""
    return [
        Moment(
            at=entry.created_at,
            kind=Kind.POINTS,
            title=f"{entry.points:+d} points",
            detail=f"{entry.get_kind_display()}.",
            tone=Tone.GOOD if entry.points > 0 else Tone.PLAIN,
            id=entry.id,
            lane="loyalty",
        )
        for entry in Entry.objects.filter(booking_id=booking_id)
    ]
