"""Which choice somebody asks for: the form's fields as a wish, and what the form shows."""

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest, QueryDict

from messaging.routing.services import Place, Wish
from messaging.routing.strategies import ALL
from messaging.routing.strategies.parameters import Parameter

_PREFIX = "o_"
LONGEST_REASON = 200


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The form as it was filled in. `problem` says what is wrong with it; no strategy: the choice is to be taken back."""

    wish: Wish
    texts: dict[str, str]
    reason: str = ""
    problem: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read it. A field of another strategy's is left out: somebody has just chosen another."""
        given: QueryDict = request.POST if request.method == "POST" else request.GET
        strategy = given.get("strategy", "")[:20]
        texts, options, problem = {}, {}, ""
        for parameter in ALL[strategy].parameters if strategy in ALL else ():
            text = given.get(_PREFIX + parameter.name, "").strip()[:20]
            texts[parameter.name] = text or f"{parameter.default:g}"
            try:
                options[parameter.name] = float(text) if text else parameter.default
            except ValueError:
                problem = f"{parameter.name} is a number."
        place = Place(
            tier=given.get("tier", "").strip()[:40],
            tenant=given.get("tenant", "").strip()[:60],
            queue_class=given.get("queue_class", "").strip()[:20],
        )
        wish = Wish(place=place, strategy=strategy, options=options)
        return cls(wish=wish, texts=texts, reason=" ".join(given.get("reason", "").split()), problem=problem)

    @property
    def fields(self) -> list[tuple[Parameter, str, str]]:
        """Each parameter with the name of its field and what is in it."""
        if self.wish.strategy not in ALL:
            return []
        return [(each, _PREFIX + each.name, self.texts[each.name]) for each in ALL[self.wish.strategy].parameters]

    @property
    def is_placed(self) -> bool:
        """Whether it says whose choice is meant, so that there is something to show."""
        return bool(self.wish.place.tier or self.wish.place.tenant)

    @property
    def wrong_reason(self) -> str:
        """What is wrong with the reason, or nothing."""
        if 3 <= len(self.reason) <= LONGEST_REASON:
            return ""
        return f"Say why, in 3 to {LONGEST_REASON} characters; it is kept in the audit trail."
