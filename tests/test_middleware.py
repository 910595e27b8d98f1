"""What every answer of the site carries."""

from django.http import HttpResponse
from django.test import RequestFactory

from wildrydes.middleware import CorrelationMiddleware


def answer(response, **headers):
    return CorrelationMiddleware(lambda _: response)(RequestFactory().get("/", headers=headers))


def test_an_answer_tells_its_length():
    assert answer(HttpResponse("unicorn"))["Content-Length"] == "7"


def test_an_answer_without_content_tells_none():
    assert not answer(HttpResponse(status=204)).has_header("Content-Length")


def test_a_harmless_request_id_is_kept_and_another_replaced():
    assert answer(HttpResponse(), **{"X-Request-Id": "order-4711"})["X-Request-Id"] == "order-4711"
    for hostile in ("", "a b", "x" * 65, "<script>", "a\nb"):
        assert answer(HttpResponse(), **{"X-Request-Id": hostile})["X-Request-Id"] not in ("", hostile)
