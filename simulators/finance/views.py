"""The finance system's HTTP interface."""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.applications import application
from simulators.checking import read_body, read_object, text
from simulators.dials import ACCOUNT, DialBoard
from simulators.finance.inboxes import Inboxes
from simulators.journal import Journal
from simulators.pages import dials_table, page, table
from simulators.performing import perform

OPERATIONS = ("hook",)
_ROWS_SHOWN = 100


def finance_application(journal: Journal) -> Starlette:
    """The finance system, with the state that its journal holds.

    Raises:
        JournalError: the journal is damaged.
    """
    inboxes, board = Inboxes(journal), DialBoard(journal, OPERATIONS)
    for record in journal.replay():
        (board if record["kind"] == "dials" else inboxes).restore(record)
    views = _Views(inboxes, board)
    routes = [
        Route("/", views.front, methods=["GET"]),
        Route("/hooks/{inbox}", views.receive, methods=["POST"]),
        Route("/inboxes/{inbox}", views.show, methods=["GET"]),
        Route("/inboxes/{inbox}", views.configure, methods=["PUT"]),
        Route("/inboxes/{inbox}", views.empty, methods=["DELETE"]),
    ]
    return application("finance", board, routes)


class _Views:
    def __init__(self, inboxes: Inboxes, board: DialBoard) -> None:
        self.inboxes = inboxes
        self.board = board

    async def receive(self, request: Request) -> Response:
        name = _inbox(request)
        body = await read_body(request)

        def act(_decline: bool) -> Response:
            message = self.inboxes.receive(name, request.headers, body)
            return JSONResponse({name: message[name] for name in ("id", "verified", "duplicate")})

        return await perform(request, self.board, act, account=name, operation="hook")

    async def show(self, request: Request) -> Response:
        return JSONResponse(self.inboxes.listing(_inbox(request)))

    async def configure(self, request: Request) -> Response:
        name = _inbox(request)
        self.inboxes.configure(name, read_object(request, await read_body(request)))
        return Response(status_code=204)

    async def empty(self, request: Request) -> Response:
        self.inboxes.empty(_inbox(request))
        return Response(status_code=204)

    async def front(self, _request: Request) -> Response:
        columns = ("received", "id", "type", "verified", "duplicate", "body")
        inboxes = []
        for name in self.inboxes.names():
            listing = self.inboxes.listing(name)
            latest = [{**row, "body": json.dumps(row["body"])[:400]} for row in listing["messages"][-_ROWS_SHOWN:]]
            rows = [[row[column] for column in columns] for row in reversed(latest)]
            checked = "signatures checked" if listing["has_secret"] else "signatures not checked"
            inboxes.append(table(f"Inbox {name} ({checked})", columns, rows))
        intro = (
            "<p>POST webhooks to <code>/hooks/{inbox}</code>; read them as JSON at <code>/inboxes/{inbox}</code>.</p>"
        )
        return page("A tenant's finance system (simulated)", intro, dials_table(self.board), *inboxes)


def _inbox(request: Request) -> str:
    return text(request.path_params, "inbox", ACCOUNT, hint="a name of letters, digits, hyphens and underscores")
