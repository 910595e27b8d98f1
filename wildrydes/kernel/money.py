"""Money: integers of a currency's minor unit. Never a float."""

from dataclasses import dataclass

# ISO 4217 codes that a tenant may be billed in, with their number of decimals.
CURRENCIES: dict[str, int] = {"USD": 2, "EUR": 2, "GBP": 2, "CHF": 2, "JPY": 0}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents; yen have none) of an ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse a currency that is not offered and an amount that is not an integer.

        Raises:
            ValueError: for the first.
            TypeError: for the second.
        """
        if self.currency not in CURRENCIES:
            raise ValueError(f"{self.currency!r} is not a currency we bill in: {', '.join(sorted(CURRENCIES))}.")
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("An amount is an integer of minor units.")

    def __str__(self) -> str:
        decimals = CURRENCIES[self.currency]
        if not decimals:
            return f"{self.minor} {self.currency}"
        sign = "-" if self.minor < 0 else ""
        whole, fraction = divmod(abs(self.minor), 10**decimals)
        return f"{sign}{whole}.{fraction:0{decimals}d} {self.currency}"
