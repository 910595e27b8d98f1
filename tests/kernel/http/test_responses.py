import gzip
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildrydes.kernel.http import OutboundUnknown, Response
from wildrydes.kernel.http.responses import decoded


def answer(body: bytes) -> Response:
    return Response(status=200, headers={}, body=body, origin="http://x:80")


def test_json_is_read() -> None:
    assert answer('{"é":[1,2.5,null]}'.encode()).json() == {"é": [1, 2.5, None]}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000, b"9" * 5000]
)
def test_what_is_not_strict_json_is_an_unknown_answer(body: bytes) -> None:
    with pytest.raises(OutboundUnknown) as caught:
        answer(body).json()
    assert caught.value.status == 200


@given(st.binary(max_size=50))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with suppress(OutboundUnknown):
        answer(body).json()


def test_unpacking_stops_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="larger"):
            decoded(bomb, "gzip", limit=100_000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
