"""What the simulators' applications share: health, dials, errors."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.checking import Rejected, choice, read_body, read_object, text
from simulators.dials import ACCOUNT, EVERYONE, OUTCOMES, DialBoard


def application(
    name: str, board: DialBoard, routes: Sequence[BaseRoute], *, begin: Callable[[], None] | None = None
) -> Starlette:
    """An application with its own routes and the shared ones; `begin` is called once it serves."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if begin is not None:
            begin()
        yield

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "simulator": name})

    shared = [Route("/healthz", healthz, methods=["GET"]), *_dial_routes(board)]
    handlers: dict[Any, Any] = {Rejected: _rejected, HTTPException: _http_error}
    return Starlette(routes=[*shared, *routes], exception_handlers=handlers, lifespan=lifespan)


def _dial_routes(board: DialBoard) -> list[Route]:
    async def show(request: Request) -> Response:
        account, operation = _account(request), _operation(request, board)
        return JSONResponse({"account": account, "dials": asdict(board.get(account, operation))})

    async def put(request: Request) -> Response:
        account = _setting(request, board)
        dials = board.set(account, read_object(request, await read_body(request)))
        return JSONResponse({"account": account, "dials": asdict(dials)})

    async def delete(request: Request) -> Response:
        board.reset(_setting(request, board))
        return Response(status_code=204)

    async def script(request: Request) -> Response:
        waiting = board.script(read_object(request, await read_body(request)))
        return JSONResponse({"waiting": waiting, "outcomes": OUTCOMES}, status_code=201)

    both = [("GET", show), ("PUT", put), ("DELETE", delete)]
    paths = ("/dials", "/dials/{account}", "/dials/{account}/{operation}")
    return [
        Route("/dials/next", script, methods=["POST"]),
        *(Route(path, view, methods=[method]) for path in paths for method, view in both),
    ]


def _account(request: Request) -> str:
    if "account" not in request.path_params:
        return EVERYONE
    return text(request.path_params, "account", ACCOUNT, hint="a name of letters, digits, hyphens and underscores")


def _operation(request: Request, board: DialBoard) -> str:
    if "operation" not in request.path_params:
        return ""
    return choice(request.path_params, "operation", board.operations)


def _setting(request: Request, board: DialBoard) -> str:
    """The name of the setting that is meant: an account, or one operation of it."""
    account, operation = _account(request), _operation(request, board)
    return f"{account}/{operation}" if operation else account


async def _rejected(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Rejected):
        raise error
    return error.response()


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    body = {"error": {"type": kind, "message": error.detail, "param": None}}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)
