"""The webhook's part of a booking's story."""

from collections.abc import Iterable
from uuid import UUID

from notifications.models import Push, PushState
from wildrydes.kernel.story import MOST, Kind, Lookup, Moment, Tone

# A receiver knows a message by its `webhook-id`, which is the message's own id.
LOOKUPS = (
    Lookup(
        kind="webhook message",
        by="uuid",
        sql="SELECT booking_id, NULL::uuid, id FROM {s}notifications_push WHERE id = %(uuid)s",
    ),
)
_TONES = {PushState.DELIVERED: Tone.GOOD, PushState.FAILED: Tone.BAD, PushState.PENDING: Tone.WARN}


def story_of(message_ids: Iterable[UUID]) -> list[Moment]:
    """What became of these messages' pushes; why one failed is told by its attempts."""
    pushes = Push.objects.filter(id__in=list(message_ids)[:MOST])
    return [
        Moment(
            at=push.ended_at or push.created_at,
            kind=Kind.WEBHOOK,
            title=f"Webhook {push.type}: {push.get_state_display().lower()}",
            detail=f"Answered {push.response_status}." if push.response_status else "",
            tone=_TONES[PushState(push.state)],
            parent=push.id,
            lane="notifications",
        )
        for push in pushes
    ]
