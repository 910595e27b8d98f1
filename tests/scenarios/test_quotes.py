"""A request for quotes through the running product and its simulated fleet, well-behaved and not."""

from wildrydes.devstack import Stack
from wildrydes.devstack.logins import Login
from wildrydes.devstack.quoting import quotes_for


def test_offers_come_in_and_the_best_becomes_a_ride(stack: Stack, logins: dict[str, Login]) -> None:
    told: list[str] = []
    quotes_for([logins["basic"]], base_url=stack.base_url, show=told.append)
    assert "comes for" in told[-1]
