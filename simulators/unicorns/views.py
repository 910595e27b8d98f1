"""The fleet operator's HTTP API, and a map for people."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.applications import application
from simulators.checking import Rejected, choice, number, only, read_body, read_object
from simulators.dials import EVERYONE, DialBoard
from simulators.journal import Journal
from simulators.pages import dials_table, page, table
from simulators.performing import perform
from simulators.unicorns.asking import fleet_routes
from simulators.unicorns.bidding import Bidding
from simulators.unicorns.callers import FleetCaller
from simulators.unicorns.herd import STATUSES, Herd
from simulators.unicorns.map import drawn_map

OPERATIONS = ("list", "show")


@dataclass(frozen=True, kw_only=True, slots=True)
class AtWork:
    """How the herd is to take part in requests for quotes: through which caller, and where it can be reached, if anywhere."""

    caller: FleetCaller
    hook: str | None = None


def unicorns_application(journal: Journal, herd: Herd, at_work: AtWork | None = None) -> Starlette:
    """The fleet operator's system, with the pins and dials that its journal holds; `at_work`, it answers requests too.

    Raises:
        JournalError: the journal is damaged.
    """
    board = DialBoard(journal, OPERATIONS)
    views = _Views(journal, herd, board)
    for record in journal.replay():
        if record["kind"] == "dials":
            board.restore(record)
        else:
            views.restore(record)
    routes = [
        Route("/", views.front, methods=["GET"]),
        Route("/v1/unicorns", views.list_all, methods=["GET"]),
        Route("/v1/unicorns/{id}", views.show, methods=["GET"]),
        Route("/v1/unicorns/{id}", views.pin, methods=["PUT"]),
    ]
    if at_work is None:
        return application("unicorns", board, routes)
    bidding = Bidding(at_work.caller, views.everybody, hook=at_work.hook)
    bidding.start()
    return application("unicorns", board, [*routes, *fleet_routes(bidding)])


class _Views:
    def __init__(self, journal: Journal, herd: Herd, board: DialBoard) -> None:
        self.journal = journal
        self.herd = herd
        self.board = board
        self.places = {unicorn_id: index for index, unicorn_id in enumerate(herd.ids())}
        self.pins: dict[str, dict[str, Any]] = {}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take in a `pin` record of the journal."""
        self.pins[record["id"]] = record["pin"]

    async def list_all(self, request: Request) -> Response:
        def act(_decline: bool) -> Response:
            return JSONResponse({"object": "list", "data": self.everybody()})

        return await perform(request, self.board, act, account=EVERYONE, operation="list")

    async def show(self, request: Request) -> Response:
        def act(_decline: bool) -> Response:
            return JSONResponse(self._one(request.path_params["id"]))

        return await perform(request, self.board, act, account=EVERYONE, operation="show")

    async def pin(self, request: Request) -> Response:
        """Hold a unicorn still or give it a status; what is left out follows the herd again."""
        given = read_object(request, await read_body(request))
        unicorn_id = request.path_params["id"]
        self._one(unicorn_id)
        only(given, {"latitude", "longitude", "status"})
        if ("latitude" in given) != ("longitude" in given):
            raise Rejected(422, "invalid_field", "Give latitude and longitude together", param="latitude")
        pin: dict[str, Any] = {}
        if "latitude" in given:
            pin["latitude"] = number(given, "latitude", least=-90, most=90)
            pin["longitude"] = number(given, "longitude", least=-180, most=180)
        if "status" in given:
            pin["status"] = choice(given, "status", STATUSES)
        record = {"kind": "pin", "id": unicorn_id, "pin": pin}
        self.journal.append(record)
        self.restore(record)
        return JSONResponse(self._one(unicorn_id))

    async def front(self, _request: Request) -> Response:
        unicorns = self.everybody()
        columns = ("name", "id", "capacity", "status", "latitude", "longitude", "pinned")
        return page(
            "Unicorns (simulated)",
            "<p>As JSON: <a href=/v1/unicorns>/v1/unicorns</a>. Grey ones are off duty.</p>",
            drawn_map(unicorns, self.herd),
            dials_table(self.board),
            table("The herd", columns, ([_shown(row[name]) for name in columns] for row in unicorns)),
        )

    def everybody(self) -> list[dict[str, Any]]:
        """The whole herd as it is now."""
        now = time.time()
        return [
            self.herd.unicorn(index, now=now, pin=self.pins.get(unicorn_id, {}))
            for unicorn_id, index in self.places.items()
        ]

    def _one(self, unicorn_id: str) -> dict[str, Any]:
        if unicorn_id not in self.places:
            raise Rejected(404, "not_found", "There is no such unicorn")
        pin = self.pins.get(unicorn_id, {})
        return self.herd.unicorn(self.places[unicorn_id], now=time.time(), pin=pin)


def _shown(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value
