"""Reading request bodies and choosing the representation: JSON in UTF-8, and nothing else."""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from django.http.request import UnreadablePostError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from api.errors import BadRequest, BodyTooLarge, LengthRequired, MalformedBody, NotAcceptable, UnsupportedMediaType
from wildrydes.kernel import strict_json

_ACCEPTED = ("application/json", "application/problem+json", "application/*", "*/*")


class StrictJSONParser(JSONParser):
    """Takes one JSON object in UTF-8, read by `wildrydes.kernel.strict_json`."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object in the body.

        Raises:
            BodyTooLarge, UnsupportedMediaType, BadRequest: before anything is parsed.
            MalformedBody: with a pointer to what is wrong.
        """
        if parser_context is not None:
            check_body_headers(parser_context["request"], media_type or "")
        try:
            text = stream.read(strict_json.MAX_BYTES + 1)
        except (UnreadablePostError, OSError) as error:
            raise BadRequest("The connection broke before the whole body had arrived.") from error
        if len(text) > strict_json.MAX_BYTES:
            raise BodyTooLarge(f"A body has at most {strict_json.MAX_BYTES} bytes.")
        try:
            value = strict_json.loads(text)
        except strict_json.MalformedJSON as error:
            raise MalformedBody.at_pointer(error.pointer, error.detail) from None
        if not isinstance(value, dict):
            raise MalformedBody.at_pointer("", "The body must be a JSON object.")
        return value


def check_body_headers(request: Request, media_type: str) -> None:
    """Refuse compressed bodies and other character sets, which would otherwise be read as garbage.

    Raises:
        UnsupportedMediaType: saying which are taken.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body without Content-Encoding.")
    for parameter in media_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("JSON is sent in UTF-8 (RFC 8259).")


def check_body_length(request: Request) -> None:
    """Refuse what can be refused before the body is read.

    Raises:
        LengthRequired: for chunked bodies, which WSGI would show us as empty.
        BadRequest: when the length is not a number.
        BodyTooLarge: when it says so itself.
    """
    length = request.headers.get("Content-Length", "")
    if not length:
        if request.headers.get("Transfer-Encoding"):
            raise LengthRequired("Send the body with a Content-Length.")
        return
    if not (length.isascii() and length.isdigit()):
        raise BadRequest("Content-Length is not a number.")
    if len(length) > 12 or int(length) > strict_json.MAX_BYTES:
        raise BodyTooLarge(f"A body has at most {strict_json.MAX_BYTES} bytes.")


class JSONOnly(BaseContentNegotiation):
    """There is one representation; `Accept` can only agree to it or not (RFC 9110, 12.5.1). `?format=` means nothing here."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        """The JSON parser.

        Raises:
            UnsupportedMediaType: when the body is something else.
        """
        sent = (request.content_type or "").split(";")[0].strip().lower()
        if sent != "application/json":
            raise UnsupportedMediaType("Send a body as Content-Type: application/json.")
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The JSON renderer.

        Raises:
            NotAcceptable: when the client rules JSON out.
        """
        accept = request.headers.get("Accept", "")
        if accept.strip() and not any(_admits_json(part) for part in accept.split(",")):
            raise NotAcceptable("This API speaks application/json; send Accept: application/json, or none.")
        return next(iter(renderers)), JSONRenderer.media_type


def _admits_json(media_range: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in media_range.split(";"))
    refused = any(p.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for p in parameters)
    return kind in _ACCEPTED and not refused
