"""A return address tells a unicorn nothing, and nobody else makes one."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import settings

from rfq.errors import ForgedReturnAddress
from rfq.return_address import read_address, write_address
from wildrydes.kernel.encryption import seal
from wildrydes.kernel.ids import new_id

EXPIRES = datetime(2026, 11, 21, 10, tzinfo=UTC)


def address(**changed):
    return write_address(
        **{"tenant_id": new_id(), "rfq_id": new_id(), "unicorn_id": new_id(), "expires_at": EXPIRES, **changed}
    )


def test_what_goes_in_comes_out():
    tenant, rfq, unicorn = new_id(), new_id(), new_id()
    read = read_address(address(tenant_id=tenant, rfq_id=rfq, unicorn_id=unicorn))
    assert (read.tenant_id, read.rfq_id, read.unicorn_id) == (tenant, rfq, unicorn)
    assert datetime.fromtimestamp(read.expires, UTC) == EXPIRES


def test_two_addresses_have_nothing_in_common_but_their_length():
    same = {"tenant_id": UUID(int=1), "rfq_id": UUID(int=2), "unicorn_id": UUID(int=3)}
    one, again, other = address(**same), address(**same), address()
    assert len({len(one), len(again), len(other)}) == 1
    header = one.split(".")[0]
    for token in (again, other):
        assert token.split(".")[0] == header
        assert not set(token.split(".")[2:]) & set(one.split(".")[2:])


@pytest.mark.parametrize("place", [2, 3, 4], ids=["nonce", "ciphertext", "tag"])
def test_a_changed_address_is_refused(place):
    parts = address().split(".")
    parts[place] = ("B" if parts[place][0] == "A" else "A") + parts[place][1:]
    with pytest.raises(ForgedReturnAddress):
        read_address(".".join(parts))


@pytest.mark.parametrize(
    "forged",
    ["", ".", "....", "a.b.c.d.e", "\ud800", "\x00", "ä" * 50, "x" * 5_000, "eyJhbGciOiJub25lIn0.e30."],
    ids=["empty", "dot", "dots", "letters", "surrogate", "nul", "umlauts", "long", "none"],
)
def test_garbage_is_refused(forged):
    with pytest.raises(ForgedReturnAddress):
        read_address(forged)


@pytest.mark.parametrize(
    "inside",
    ['{"email": "ada@acme.example"}', "[]", "{}", '{"use": "other", "tenant": 1}', "x"],
    ids=["claims", "list", "empty", "use", "text"],
)
def test_what_else_we_seal_is_no_address(inside):
    with pytest.raises(ForgedReturnAddress):
        read_address(seal(inside, keys=settings.FIELD_ENCRYPTION_KEY))
