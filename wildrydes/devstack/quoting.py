"""A request for quotes as its user sees it: asked, offers coming in, the best one accepted, the ride confirmed."""

import time
import uuid
from collections.abc import Iterable
from typing import Any

from wildrydes.devstack.dialogue import POLL_SECONDS, RIDE, JobNotDone, Show, Visitor
from wildrydes.devstack.logins import Login

QUOTES = {**RIDE, "passengers": 1, "deadline_seconds": 20, "wanted_offers": 4, "strategy": "best_value"}
# A second after the deadline at the latest, with some patience for a busy machine.
CLOSED_SECONDS = 30.0


def quotes_for(logins: Iterable[Login], *, base_url: str, show: Show) -> None:
    """Ask for quotes for a user of each tenant, accept the best offer and follow the ride until it is confirmed.

    Raises:
        JobNotDone: one of the steps went otherwise.
    """
    for login in logins:
        show(f"── {login.email} asks the unicorns for their best offers")
        began = time.monotonic()
        visitor = Visitor(base_url, login=login, show=show)
        visitor.log_in()
        rfq = _gathered(visitor, show)
        best = rfq["offers"][0]
        accepted = visitor.ask(
            "POST", rfq["links"]["acceptance"], expect=202, body={"offer_id": best["id"]}, headers=_key()
        )
        ride = visitor.follow(visitor.path_in(accepted))
        price = (ride.get("fare") or {}).get("amount_minor")
        if price != best["price"]["amount_minor"]:
            raise JobNotDone(f"The ride costs {price} and not what was offered, {best['price']['amount_minor']}.")
        unicorn = (ride.get("unicorn") or {}).get("name")
        show(f"── {unicorn} comes for {_money(best)}; confirmed {time.monotonic() - began:.1f} s after asking")


def _gathered(visitor: Visitor, show: Show) -> dict[str, Any]:
    accepted = visitor.ask("POST", "/api/v1/rfqs", expect=202, body=QUOTES, headers=_key())
    path, seen = str(accepted.body["links"]["resource"]), set[str]()
    deadline = time.monotonic() + CLOSED_SECONDS
    while time.monotonic() < deadline:
        rfq = visitor.ask("GET", path, expect=200, quiet=True).body
        for offer in rfq["offers"]:
            if offer["id"] not in seen:
                seen.add(offer["id"])
                show(f"    {offer['unicorn']['name']}: {_money(offer)}, there in {offer['eta_seconds']} s")
        if rfq["state"] == "closed":
            show(f"    closed: {rfq['close_reason']}, {len(seen)} offers of {rfq['asked']} unicorns that were asked")
            if not seen:
                raise JobNotDone("No unicorn made an offer: see the log of unicorns-simulator and the workers.")
            return rfq
        time.sleep(POLL_SECONDS)
    raise JobNotDone(f"The request for quotes was not closed after {CLOSED_SECONDS:.0f} s: see the workers' log.")


def _money(offer: dict[str, Any]) -> str:
    return f"{offer['price']['amount_minor'] / 100:.2f} {offer['price']['currency']}"


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}
