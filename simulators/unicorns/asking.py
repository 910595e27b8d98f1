"""Where the fleet is asked, and how its temper is set: `/fleet`, `/fleet/dials`, `/fleet/hook`."""

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.checking import Rejected, read_body, read_object
from simulators.unicorns.bidding import Bidding


def fleet_routes(bidding: Bidding) -> list[BaseRoute]:
    """The routes of a fleet that is at work."""

    async def show(_request: Request) -> Response:
        return JSONResponse({"counts": dict(sorted(bidding.counts.items())), "dials": bidding.moods.shown()})

    async def dials(_request: Request) -> Response:
        return JSONResponse({"dials": bidding.moods.shown()})

    async def put(request: Request) -> Response:
        bidding.moods.set(read_object(request, await read_body(request)))
        return await dials(request)

    async def delete(_request: Request) -> Response:
        bidding.moods.set({})
        return Response(status_code=204)

    async def hook(request: Request) -> Response:
        body = await read_body(request)
        try:
            told = Webhook(bidding.secret).verify(body, dict(request.headers)) if bidding.secret else None
        except (WebhookVerificationError, ValueError):
            told = None
        if told is None:
            raise Rejected(401, "invalid_signature", "The signature does not fit")
        bidding.counts[f"pushed {told.get('type')}"] += 1
        if told.get("type") == "request.asked":
            bidding.take(told["data"]["requests"])
        return Response(status_code=204)

    return [
        Route("/fleet", show, methods=["GET"]),
        Route("/fleet/dials", dials, methods=["GET"]),
        Route("/fleet/dials", put, methods=["PUT"]),
        Route("/fleet/dials", delete, methods=["DELETE"]),
        Route("/fleet/hook", hook, methods=["POST"]),
    ]
