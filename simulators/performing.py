"""One call under the dials: wait, misbehave, do it."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.dials import DialBoard

Act = Callable[[bool], Response]
"""Does the work, all at once (no await inside, so that twins cannot overtake each other); told whether to decline."""


async def perform(request: Request, board: DialBoard, act: Act, *, account: str, operation: str) -> Response:
    """Answer one call the way the dials or the script say."""
    verdict = board.decide(account, operation)
    if verdict.latency:
        await asyncio.sleep(verdict.latency)
    misdeed, _, when = verdict.outcome.partition("_")
    if verdict.outcome == "unavailable":
        return _failure(503, "unavailable", "The service is down", {"Retry-After": "1"})
    if when != "before":
        response = act(verdict.outcome == "decline")
        if when != "after":
            return response
    if misdeed == "error":
        return _failure(500, "server_error", "Something went wrong")
    if misdeed == "timeout":
        await _hang(request, verdict.hang_seconds)
    return await _cut(request)


def _failure(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Response:
    error = {"type": kind, "message": message, "param": None}
    return JSONResponse({"error": error}, status_code=status, headers=headers)


async def _hang(request: Request, seconds: float) -> None:
    """Say nothing, until the client hangs up or the time is over."""

    async def client_gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(client_gone(), timeout=seconds)
    except TimeoutError:
        return


async def _cut(request: Request) -> Response:
    """End the connection without a byte; the server put its transport into the request's state."""
    request.state.transport.abort()
    await asyncio.sleep(0.01)
    return Response(status_code=500)
