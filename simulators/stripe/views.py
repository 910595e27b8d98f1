"""The part of Stripe's HTTP API that the product uses."""

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.applications import application
from simulators.checking import Rejected, read_body, read_object
from simulators.dials import ACCOUNT, DialBoard
from simulators.journal import Journal
from simulators.notifying import Hooks, Notice, Notifier
from simulators.pages import dials_table, page
from simulators.performing import perform
from simulators.stripe.book import Declined, Invalid, Row, StripeBook, digest_of
from simulators.stripe.forms import read_form
from simulators.stripe.listing import page_of

OPERATIONS = ("create", "confirm", "cancel", "retrieve", "search", "refund", "list_refunds", "list_charges")
NOTICES = ("notify_charge", "notify_refund")
_SEARCH = re.compile(r"metadata\['([a-z_]{1,40})'\]:'([\x20-\x26\x28-\x7e]{1,100})'")
Work = Callable[[bool], Row]


def stripe_application(journal: Journal) -> Starlette:
    """Stripe, with the state that its journal holds.

    Raises:
        JournalError: the journal is damaged.
    """
    book, board, hooks = StripeBook(journal), DialBoard(journal, OPERATIONS, NOTICES), Hooks(journal)
    keepers: dict[str, StripeBook | DialBoard | Hooks] = {"dials": board, "hook": hooks}
    for record in journal.replay():
        keepers.get(record["kind"], book).restore(record)
    views = _Views(book, board, hooks, Notifier(hooks, board, header="Stripe-Signature"))
    routes = [
        Route("/", views.front, methods=["GET"]),
        Route("/v1/payment_intents", views.create, methods=["POST"]),
        Route("/v1/payment_intents/search", views.search, methods=["GET"]),
        Route("/v1/payment_intents/{id}", views.retrieve, methods=["GET"]),
        Route("/v1/payment_intents/{id}/confirm", views.confirm, methods=["POST"]),
        Route("/v1/payment_intents/{id}/cancel", views.cancel, methods=["POST"]),
        Route("/v1/refunds", views.refund, methods=["POST"]),
        Route("/v1/refunds", views.list_refunds, methods=["GET"]),
        Route("/v1/charges", views.list_charges, methods=["GET"]),
        Route("/simulator/webhook", views.put_webhook, methods=["PUT"]),
        Route("/simulator/ledger", views.ledger, methods=["GET"]),
    ]
    return application("stripe", board, routes, begin=views.resume)


class _Views:
    def __init__(self, book: StripeBook, board: DialBoard, hooks: Hooks, notifier: Notifier) -> None:
        self.book = book
        self.board = board
        self.hooks = hooks
        self.notifier = notifier

    async def create(self, request: Request) -> Response:
        return await self._post(request, "create", lambda account, given, _: self.book.create_intent(account, given))

    async def confirm(self, request: Request) -> Response:
        def confirm(account: str, _given: Row, decline: bool) -> Row:
            later = str(self.book.intent(account, request.path_params["id"])["payment_method"]).endswith("_later")
            return self.book.confirm(account, request.path_params["id"], decline=decline, later=later)

        return await self._post(request, "confirm", confirm)

    async def cancel(self, request: Request) -> Response:
        return await self._post(
            request, "cancel", lambda account, _, __: self.book.cancel(account, request.path_params["id"])
        )

    async def refund(self, request: Request) -> Response:
        def refund(account: str, given: Row, _decline: bool) -> Row:
            intent = self.book.intent(account, str(given.get("payment_intent", "")))
            return self.book.refund(account, given, later=str(intent["payment_method"]).endswith("_later"))

        return await self._post(request, "refund", refund)

    async def retrieve(self, request: Request) -> Response:
        return await self._get(
            request, "retrieve", lambda account: self.book.intent(account, request.path_params["id"])
        )

    async def search(self, request: Request) -> Response:
        found = _SEARCH.fullmatch(request.query_params.get("query", ""))
        if found is None:
            raise Rejected(400, "invalid_request_error", "The query cannot be read", param="query")

        def search(account: str) -> Row:
            rows = [row for row in self.book.intents(account) if row["metadata"].get(found[1]) == found[2]]
            return {"object": "search_result", "data": [_shown(row) for row in rows], "has_more": False, "url": ""}

        return await self._get(request, "search", search)

    async def list_refunds(self, request: Request) -> Response:
        intent = request.query_params.get("payment_intent")

        return await self._get(
            request, "list_refunds", lambda account: page_of(self.book.refunds(account, intent), request.query_params)
        )

    async def list_charges(self, request: Request) -> Response:
        return await self._get(
            request, "list_charges", lambda account: page_of(self.book.charges(account), request.query_params)
        )

    async def put_webhook(self, request: Request) -> Response:
        """Stripe's customers do this on its pages."""
        hook = self.hooks.put(_account(request), read_object(request, await read_body(request)))
        return JSONResponse({"url": hook.url})

    async def ledger(self, request: Request) -> Response:
        """Every charge and refund of an account, for judges; the dials do not apply."""
        return JSONResponse({"movements": list(self.book.movements(_account(request)))})

    async def front(self, _request: Request) -> Response:
        return page("Stripe (simulated)", dials_table(self.board))

    def resume(self) -> None:
        """Take up what an earlier life of this process had taken on."""
        for account, row in self.book.undecided():
            self.notifier.begin(self._decide(account, row))

    async def _post(self, request: Request, operation: str, work: Callable[[str, Row, bool], Row]) -> Response:
        account, given = _account(request), read_form(await read_body(request))
        key = request.headers.get("idempotency-key", "")[:255]
        digest = digest_of(request.url.path, given)

        def act(decline: bool) -> Response:
            known = self.book.replay(account, key, digest) if key else None
            if known is not None:
                return JSONResponse(known[1], status_code=known[0], headers={"Idempotent-Replayed": "true"})
            status, body = _answer(lambda: work(account, given, decline))
            if key and (status < 400 or status == 402):
                self.book.keep(account, key, digest, status, body)
            self._announce(account, operation, body)
            return JSONResponse(body, status_code=status)

        answer = await perform(request, self.board, act, account=account, operation=operation)
        if answer.status_code == 500 and key:
            # Stripe keeps the first answer to a key, a failure of its own included.
            self.book.keep(account, key, digest, 500, json.loads(bytes(answer.body)))
        return answer

    async def _get(self, request: Request, operation: str, work: Callable[[str], Row]) -> Response:
        account = _account(request)

        def act(_decline: bool) -> Response:
            status, body = _answer(lambda: _shown(work(account)))
            return JSONResponse(body, status_code=status)

        return await perform(request, self.board, act, account=account, operation=operation)

    def _announce(self, account: str, operation: str, body: Row) -> None:
        error = body.get("error", {})
        intent = error.get("payment_intent") or body
        if operation == "confirm" and intent.get("object") == "payment_intent":
            self._follow(account, self.book.intent(account, intent["id"]))
        if operation == "refund" and body.get("object") == "refund":
            self._follow(account, body)

    def _follow(self, account: str, row: Row) -> None:
        if row["status"] in ("processing", "pending"):
            self.notifier.begin(self._decide(account, row))
        else:
            self._tell(account, row, row)

    async def _decide(self, account: str, row: Row) -> None:
        await asyncio.sleep(self.board.get(account, "confirm").settle_ms / 1000)
        settle = self.book.settle_refund if row["object"] == "refund" else self.book.settle
        self._tell(account, row, settle(account, row["id"]))

    def _tell(self, account: str, before: Row, row: Row) -> None:
        opposite = {"succeeded": "requires_payment_method", "requires_payment_method": "succeeded"}
        forged = {**row, "status": opposite.get(row["status"], "succeeded")}
        notice = Notice(event=_event(row), earlier=_event({**before, "status": "processing"}), forged=_event(forged))
        self.notifier.tell(account, "notify_refund" if row["object"] == "refund" else "notify_charge", notice)


def _answer(work: Callable[[], Row]) -> tuple[int, Row]:
    """What Stripe answers: the object, or its error."""
    try:
        return 200, _shown(work())
    except Declined as error:
        return 402, {"error": error.error}
    except Invalid as error:
        told = {"type": error.kind, "message": error.message, "param": error.param, "code": error.code}
        return error.status, {"error": {name: value for name, value in told.items() if value is not None}}


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _event(row: Row) -> dict[str, Any]:
    types = {"succeeded": "succeeded", "requires_payment_method": "payment_failed", "processing": "processing"}
    kind = "refund.updated" if row["object"] == "refund" else f"payment_intent.{types.get(row['status'], 'updated')}"
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": _shown(row)},
    }


def _account(request: Request) -> str:
    """`sk_test_<account>` as a bearer, or as the user of basic authentication."""
    given = request.headers.get("authorization", "")
    scheme, _, credential = given.partition(" ")
    if scheme.lower() == "basic":
        try:
            credential = base64.b64decode(credential, validate=True).decode().partition(":")[0]
        except ValueError:
            credential = ""
    found = re.fullmatch(rf"sk_test_({ACCOUNT})", credential)
    if found is None or found[1].startswith("wrong"):
        raise Rejected(401, "invalid_request_error", "Invalid API Key provided")
    if found[1].startswith("restricted"):
        raise Rejected(403, "invalid_request_error", "The provided key does not have the required permissions")
    return found[1]
