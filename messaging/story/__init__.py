"""The messages' part of a booking's story: what was said, who worked on it, and what was asked of the outside."""

from messaging.story.deliveries import (
    Live,
    letters_of,
    live_deliveries,
    locate,
    story_of_deliveries,
    story_of_letters,
)
from messaging.story.journal import LOOKUPS, Said, messages_of, only_of, story_of_messages, story_of_work

__all__ = [
    "LOOKUPS",
    "Live",
    "Said",
    "letters_of",
    "live_deliveries",
    "locate",
    "messages_of",
    "only_of",
    "story_of_deliveries",
    "story_of_letters",
    "story_of_messages",
    "story_of_work",
]
