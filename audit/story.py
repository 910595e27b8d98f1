"""What staff did, as part of a booking's story."""

from collections.abc import Iterable
from uuid import UUID

from audit.models import Entry
from wildrydes.kernel.story import MOST, Kind, Moment, Tone


def story_of(subjects: Iterable[tuple[str, UUID]], *, tenant_id: UUID | None) -> list[Moment]:
    """What was done to these subjects (type and id): redriven, discarded, looked at."""
    wanted: dict[str, list[str]] = {}
    for subject_type, subject_id in subjects:
        wanted.setdefault(subject_type, []).append(str(subject_id))
    told: list[Moment] = []
    for subject_type, ids in wanted.items():
        entries = Entry.objects.filter(subject_type=subject_type, subject_id__in=ids, tenant_id=tenant_id)
        told.extend(_moment(entry) for entry in entries.order_by("happened_at")[:MOST])
    return told


def _moment(entry: Entry) -> Moment:
    return Moment(
        at=entry.happened_at,
        kind=Kind.STAFF,
        title=f"{entry.actor_name}: {entry.action}",
        detail=entry.reason,
        tone=Tone.INFO,
        id=entry.id,
        parent=_uuid(entry.subject_id),
        lane="staff",
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
