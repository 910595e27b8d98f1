from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildrydes.kernel.http import OutboundUnknown, Response


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
