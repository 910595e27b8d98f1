"""Hostile JSON, and JSON that must pass."""

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wildrydes.kernel.strict_json import MAX_DEPTH, MalformedJSON, loads, pointer_to


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"{", "", id="unfinished"),
        pytest.param(b'{"a":1}x', "", id="trailing garbage"),
        pytest.param(b'{"a":1}{"a":1}', "", id="two texts"),
        pytest.param(b"{'a':1}", "", id="single quotes"),
        pytest.param(b'{"a":1,}', "", id="trailing comma"),
        pytest.param(b'{"a":NaN}', "", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "", id="infinity"),
        pytest.param(b'{"a":1e999}', "", id="a number that is infinite"),
        pytest.param(b'{"a":' + b"9" * 5_000 + b"}", "", id="a huge integer"),
        pytest.param(b'{"a":9223372036854775808}', "", id="an integer of 65 bits"),
        pytest.param(b'{"a":0.' + b"1" * 100 + b"}", "", id="a number with a hundred digits"),
        pytest.param(b'{"a":1,"a":2}', "/a", id="a name twice"),
        pytest.param(b'{"a":{"b":[{"c/~":1,"c/~":2}]}}', "/a/b/0/c~1~0", id="a name twice, deep inside"),
        pytest.param(b'{"a":1,"\\u0061":2}', "/a", id="a name twice, spelled differently"),
        pytest.param(b'{"a":["x","\\u0000"]}', "/a/1", id="NUL"),
        pytest.param(b'{"a\\u0000":1}', "", id="NUL in a name"),
        pytest.param(b'{"a":"\\ud800"}', "/a", id="half of a surrogate pair"),
        pytest.param(b'{"a":"\\udc00\\ud800"}', "/a", id="a surrogate pair the wrong way round"),
        pytest.param(b'{"a":"\x00"}', "", id="a raw control character"),
        pytest.param(b'{"a":"\xff"}', "", id="not UTF-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "", id="a surrogate in UTF-8"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "", id="byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), "", id="UTF-16"),
        pytest.param('{"a":1}'.encode("utf-32-le"), "", id="UTF-32"),
        pytest.param(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "", id="one level too deep"),
        pytest.param(b'{"a":' * 10_000, "", id="ten thousand levels, never closed"),
        pytest.param(b"[" * 60_000, "", id="sixty thousand levels"),
        pytest.param(b" " * 70_000, "", id="too long"),
    ],
)
def test_refused(text: bytes, pointer: str) -> None:
    with pytest.raises(MalformedJSON) as caught:
        loads(text)
    assert caught.value.pointer == pointer
    assert caught.value.detail.endswith(".")
    assert len(caught.value.detail) < 200, "a refusal does not repeat the input"


def test_brackets_in_strings_are_not_depth() -> None:
    text = json.dumps({"a": "[" * 1_000 + '\\"' + "{" * 1_000})
    assert loads(text.encode()) == json.loads(text)


def test_the_deepest_that_is_allowed() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize("text", [b'"\\' * 32_000, b'"' * 60_000, b'[{"\\"' * 12_000, b"[" * 33 + b'"\\' * 32_000])
def test_hostile_text_takes_linear_time(text: bytes) -> None:
    started = time.process_time()
    with pytest.raises(MalformedJSON):
        loads(text)
    assert time.process_time() - started < 0.5


_numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(_values)
def test_what_python_writes_is_read_back(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\u0dD8e+-1.nul \x00', max_size=60).map(str.encode))
def test_anything_else_is_refused_with_a_reason(text: bytes) -> None:
    try:
        value = loads(text)
    except MalformedJSON as error:
        assert error.detail  # noqa: PT017  # most inputs are refused, some are JSON
    else:
        assert not isinstance(value, float) or math.isfinite(value)
        json.dumps(value, ensure_ascii=False).encode()


def test_pointers_are_escaped() -> None:
    assert pointer_to("/a", "b/c~d") == "/a/b~1c~0d"
    assert pointer_to("", 0) == "/0"
