"""What redriving a story's dead letters would do now."""

from collections.abc import Iterable
from dataclasses import dataclass

from messaging.deadletters.errors import Obstacle
from messaging.deadletters.foreseeing import foresee
from messaging.deadletters.opening import entered, envelope_for, route_of, tenant_of
from messaging.journal.models import Message
from messaging.models import DeadLetter, DeadLetterState
from messaging.topology import Prospect, Verdict

# Each is a look into the tenant's tables.
_MOST = 20
_WORDS = {
    Verdict.ACT: "it would act",
    Verdict.OBSOLETE: "nothing is left to do",
    Verdict.UNKNOWN: "what it would do cannot be told",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """A dead letter, and what sending it again would come to; None for one that is dealt with."""

    letter: DeadLetter
    prospect: Prospect | None

    @property
    def words(self) -> str:
        """The prospect's verdict as people say it."""
        return _WORDS[self.prospect.verdict] if self.prospect else ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has worked on it."""
        return self.letter.state == DeadLetterState.OPEN


def foreseen(letters: Iterable[DeadLetter]) -> tuple[Ahead, ...]:
    """The letters with their prospects; of the first open ones only."""
    told: list[Ahead] = []
    asked = 0
    for letter in letters:
        ask = letter.state == DeadLetterState.OPEN and asked < _MOST
        asked += int(ask)
        told.append(Ahead(letter=letter, prospect=_prospect(letter) if ask else None))
    return tuple(told)


def _prospect(letter: DeadLetter) -> Prospect:
    try:
        tenant, route = tenant_of(letter), route_of(letter)
        with entered(tenant):
            message = Message.objects.filter(id=letter.message_id).first()
            return foresee(route, envelope_for(letter, route, message, tenant))
    except Obstacle as error:
        return Prospect(verdict=Verdict.UNKNOWN, summary=error.detail)
