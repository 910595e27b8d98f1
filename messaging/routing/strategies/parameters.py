"""The numbers that a strategy can be given: what each means, its default and its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class InvalidOption(ValueError):
    """A parameter that the strategy does not have, or a value that it cannot take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One number. `whole` ones take integers only; the unit is in `help`."""

    name: str
    default: float
    least: float
    most: float
    help: str
    whole: bool = True

    def checked(self, value: object) -> float:
        """The value as it is used.

        Raises:
            InvalidOption: it is no number, or out of bounds.
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least <= value <= self.most:
            raise InvalidOption(f"{self.name} is a number from {self.least:g} to {self.most:g}.")
        if self.whole and value != int(value):
            raise InvalidOption(f"{self.name} is a whole number.")
        return int(value) if self.whole else float(value)


def complete(parameters: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, float]:
    """A value for each parameter: what was given, else its default.

    Raises:
        InvalidOption: something was given that there is not, or that is out of bounds.
    """
    unknown = sorted(set(given) - {parameter.name for parameter in parameters})
    if unknown:
        known = ", ".join(parameter.name for parameter in parameters) or "none"
        raise InvalidOption(f"This strategy has no parameter {', '.join(unknown)[:100]}; it has: {known}.")
    return {each.name: each.checked(given.get(each.name, each.default)) for each in parameters}


TURNS = Parameter(
    name="turns", default=1, least=0, most=1, help="1: tenants in one queue take turns; 0: first come, first served."
)
