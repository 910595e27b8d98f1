"""The provider's HTTP API."""

import re
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.applications import application
from simulators.checking import Rejected, read_body, read_object, text
from simulators.dials import ACCOUNT, DialBoard
from simulators.journal import Journal
from simulators.notifying import Hooks, Notifier, no_hook
from simulators.pages import dials_table, page, table
from simulators.payments.book import Book, Row, totals
from simulators.payments.desk import Desk
from simulators.payments.listing import Asked, page_of
from simulators.performing import perform

OPERATIONS = ("charge", "refund", "lookup", "list")
NOTICES = ("notify_charge", "notify_refund")
SIGNATURE_HEADER = "Simulator-Signature"
_ROWS_SHOWN = 200


def payments_application(journal: Journal) -> Starlette:
    """The payment provider, with the state that its journal holds.

    Raises:
        JournalError: the journal is damaged.
    """
    book, board, hooks = Book(journal), DialBoard(journal, OPERATIONS, NOTICES), Hooks(journal)
    keepers: dict[str, Book | DialBoard | Hooks] = {"dials": board, "hook": hooks}
    for record in journal.replay():
        keepers.get(record["kind"], book).restore(record)
    desk = Desk(book, board, Notifier(hooks, board, header=SIGNATURE_HEADER))
    views = _Views(book, board, hooks, desk)
    routes = [
        Route("/", views.front, methods=["GET"]),
        Route("/v1/charges", views.create_charge, methods=["POST"]),
        Route("/v1/charges", views.list_charges, methods=["GET"]),
        Route("/v1/charges/{id}", views.show_charge, methods=["GET"]),
        Route("/v1/charges/{id}/refunds", views.create_refund, methods=["POST"]),
        Route("/v1/refunds", views.list_refunds, methods=["GET"]),
        Route("/v1/ledger", views.ledger, methods=["GET"]),
        Route("/v1/webhook", views.show_webhook, methods=["GET"]),
        Route("/v1/webhook", views.put_webhook, methods=["PUT"]),
        Route("/v1/movements", views.list_movements, methods=["GET"]),
    ]
    return application("payments", board, routes, begin=desk.resume)


class _Views:
    def __init__(self, book: Book, board: DialBoard, hooks: Hooks, desk: Desk) -> None:
        self.book = book
        self.board = board
        self.hooks = hooks
        self.desk = desk

    async def create_charge(self, request: Request) -> Response:
        account, key = _account(request), _key(request)
        given = read_object(request, await read_body(request))

        def act(decline: bool) -> Response:
            row, replayed = self.book.charge(account, key, given, decline=decline, later=_later(request))
            self.desk.take_on(row, replayed=replayed)
            return _created(self._with_refunded(row), replayed=replayed)

        return await perform(request, self.board, act, account=account, operation="charge")

    async def create_refund(self, request: Request) -> Response:
        account, key = _account(request), _key(request)
        given = read_object(request, await read_body(request))

        def act(_decline: bool) -> Response:
            row, replayed = self.book.refund(account, key, request.path_params["id"], given, later=_later(request))
            self.desk.take_on(row, replayed=replayed)
            return _created(row, replayed=replayed)

        return await perform(request, self.board, act, account=account, operation="refund")

    async def show_charge(self, request: Request) -> Response:
        account = _account(request)

        def act(_decline: bool) -> Response:
            return JSONResponse(self._with_refunded(self.book.find_charge(account, request.path_params["id"])))

        return await perform(request, self.board, act, account=account, operation="lookup")

    async def list_charges(self, request: Request) -> Response:
        account = _account(request)
        query = _query(request, {"reference", "idempotency_key"})

        def act(_decline: bool) -> Response:
            rows = self.book.charges(account, reference=query.get("reference"), key=query.get("idempotency_key"))
            return _list([self._with_refunded(row) for row in rows])

        return await perform(request, self.board, act, account=account, operation="lookup")

    async def list_refunds(self, request: Request) -> Response:
        account = _account(request)
        query = _query(request, {"reference", "charge", "idempotency_key"})

        def act(_decline: bool) -> Response:
            return _list(
                self.book.refunds(
                    account,
                    reference=query.get("reference"),
                    charge=query.get("charge"),
                    key=query.get("idempotency_key"),
                )
            )

        return await perform(request, self.board, act, account=account, operation="lookup")

    async def show_webhook(self, request: Request) -> Response:
        hook = self.hooks.get(_account(request))
        if hook is None:
            raise no_hook()
        return JSONResponse({"url": hook.url})

    async def put_webhook(self, request: Request) -> Response:
        """Where this account is told how what it is answered later has ended."""
        account = _account(request)
        hook = self.hooks.put(account, read_object(request, await read_body(request)))
        return JSONResponse({"url": hook.url})

    async def ledger(self, request: Request) -> Response:
        """All movements and their totals: the provider's side of a reconciliation, never under the dials."""
        named = request.query_params.get("account")
        account = text({"account": named}, "account", ACCOUNT, hint="an account's name") if named is not None else None
        if "authorization" in request.headers:
            own = _account(request)
            if account not in (None, own):
                raise Rejected(403, "forbidden", "This key is for another account")
            account = own
        movements = self.book.movements(account)
        return JSONResponse(
            {"object": "ledger", "account": account, "movements": movements, "totals": totals(movements)}
        )

    async def list_movements(self, request: Request) -> Response:
        """One account's whole record of a period, page by page: what a customer reconciles with."""
        account, asked = _account(request), Asked.of(request.query_params)

        def act(_decline: bool) -> Response:
            return JSONResponse(page_of(self.book.movements(account), asked))

        return await perform(request, self.board, act, account=account, operation="list")

    async def front(self, _request: Request) -> Response:
        movements = self.book.movements(None)
        sums = ("account", "currency", "charges", "charged", "refunds", "refunded", "net", "declined")
        columns = ("created", "account", "id", "status", "amount", "currency", "reference", "idempotency_key")
        return page(
            "Payment provider (simulated)",
            "<p>Amounts in minor units. As JSON: <a href=/v1/ledger>/v1/ledger</a>.</p>",
            table("Totals", sums, ([row[name] for name in sums] for row in totals(movements))),
            dials_table(self.board),
            table(
                f"The latest {_ROWS_SHOWN} movements",
                columns,
                ([row[name] for name in columns] for row in reversed(movements[-_ROWS_SHOWN:])),
            ),
        )

    def _with_refunded(self, row: Row) -> dict[str, Any]:
        return {**row, "refunded": self.book.refunded(row)}


def _later(request: Request) -> bool:
    """Whether the client takes a `202` and hears the rest on its webhook (RFC 7240, 4.1)."""
    return request.headers.get("prefer", "").strip().lower() == "respond-async"


def _created(row: Row, *, replayed: bool) -> Response:
    status = 202 if row["status"] == "processing" else 201
    return JSONResponse(row, status_code=status, headers={"Idempotent-Replayed": "true"} if replayed else None)


def _list(rows: list[Row]) -> Response:
    return JSONResponse({"object": "list", "data": rows})


def _account(request: Request) -> str:
    found = re.fullmatch(rf"Bearer sk_sim_({ACCOUNT})", request.headers.get("authorization", ""), re.IGNORECASE)
    if found is None:
        raise Rejected(401, "unauthorized", "Send Authorization: Bearer sk_sim_<account>")
    return found[1]


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key")
    if not key:
        raise Rejected(400, "idempotency_key_missing", "Send an Idempotency-Key header")
    return key


def _query(request: Request, known: set[str]) -> dict[str, str]:
    query = dict(request.query_params)
    if not query or not set(query) <= known:
        raise Rejected(422, "invalid_query", f"Ask by one or more of {', '.join(sorted(known))}")
    return query
