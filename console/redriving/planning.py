"""What somebody wants to redrive, and how fast: the form before a run."""

from dataclasses import dataclass, fields, replace
from typing import Self

from django.http import HttpRequest, QueryDict

from messaging.deadletters.filters import LetterFilter
from messaging.models import DeadLetterState
from wildrydes.kernel.errors import InvalidInput

RATE, MAX_FAILURES = "5", "10"


@dataclass(frozen=True, kw_only=True)
class AskedPlan:
    """The form. `problem` says what is wrong with it; `chosen` are the filters in words; `count` how many are open."""

    filters: LetterFilter
    rate_text: str
    max_failures_text: str
    problem: str
    is_confirmed: bool

    @property
    def rate(self) -> float:
        """Letters per second."""
        return float(self.rate_text)

    @property
    def max_failures(self) -> int:
        """At so many letters that die again the run pauses itself."""
        return int(self.max_failures_text)

    @property
    def chosen(self) -> dict[str, str]:
        """The filters that matter, for the form's hidden fields."""
        return {name: value for name, value in self.filters.as_text().items() if name not in ("ids", "state")}

    def refused(self, problem: str) -> Self:
        """The same form with what is wrong."""
        return replace(self, problem=problem)


def asked_plan(request: HttpRequest) -> AskedPlan:
    """Read the form; a filter that cannot be meant chooses nothing, and `problem` says so."""
    given: QueryDict = request.POST if request.method == "POST" else request.GET
    problem = ""
    try:
        named = {field.name: given.get(field.name, "") for field in fields(LetterFilter)}
        filters = LetterFilter.parse({**named, "state": DeadLetterState.OPEN.value, "ids": given.getlist("ids")})
        filters.apply()
        if filters == LetterFilter(state=DeadLetterState.OPEN.value) and request.method == "POST":
            problem = "Tick letters, or choose a cause: a run over everything that died is too much at once."
    except InvalidInput as error:
        filters, problem = LetterFilter(ids=()), error.detail
    rate, limit = given.get("rate", RATE).strip(), given.get("max_failures", MAX_FAILURES).strip()
    if not problem:
        problem = _wrong_numbers(rate, limit)
    return AskedPlan(
        filters=filters,
        rate_text=rate[:12],
        max_failures_text=limit[:12],
        problem=problem,
        is_confirmed=request.method == "POST" and "rate" in given,
    )


def _wrong_numbers(rate: str, limit: str) -> str:
    try:
        float(rate[:12]), int(limit[:12])
    except ValueError:
        return "Rate and limit are numbers, such as 5 letters per second and 10 letters that die again."
    return ""
