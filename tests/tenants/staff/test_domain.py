"""Codes, pure."""

from datetime import UTC, datetime, timedelta

import pytest

from tenants.staff import domain
from tests.tenants.staff.conftest import code_at

NOW = datetime(2026, 11, 21, 12, 0, 10, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the RFC's "12345678901234567890"


def test_the_rfcs_own_vector():
    """RFC 6238, appendix B, cut to six digits."""
    at = datetime.fromtimestamp(59, UTC)
    assert domain.accepted_step(SECRET, "287082", now=at, after_step=-1) == 1


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_phones_clock_may_be_a_step_off(off):
    code = code_at(SECRET, NOW + timedelta(seconds=30 * off))
    step = domain.accepted_step(SECRET, code, now=NOW, after_step=-1)
    assert step == int(NOW.timestamp()) // 30 + off


@pytest.mark.parametrize("off", [-3, -2, 2, 3])
def test_and_no_more(off):
    assert (
        domain.accepted_step(SECRET, code_at(SECRET, NOW + timedelta(seconds=30 * off)), now=NOW, after_step=-1) is None
    )


def test_a_code_is_good_once_and_so_are_all_before_it():
    code = code_at(SECRET, NOW)
    step = domain.accepted_step(SECRET, code, now=NOW, after_step=-1)
    assert step is not None
    assert domain.accepted_step(SECRET, code, now=NOW, after_step=step) is None
    before = code_at(SECRET, NOW - timedelta(seconds=30))
    assert domain.accepted_step(SECRET, before, now=NOW, after_step=step) is None


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12345",
        "1234567",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "-12345",
        "12 456",
        "abcdef",
        "\x00" * 6,
        "1e5000",
    ],
)
def test_what_is_no_code(code):
    assert domain.accepted_step(SECRET, code, now=NOW, after_step=-1) is None


def test_recovery_codes_have_eighty_bits_and_may_be_typed_carelessly():
    codes = {domain.new_recovery_code() for _ in range(500)}
    assert len(codes) == 500
    code = codes.pop()
    assert len(code.replace("-", "")) == 16
    assert domain.recovery_hash(code) == domain.recovery_hash(code.lower().replace("-", " "))
    assert domain.recovery_hash("\ud800") != domain.recovery_hash(code)


def test_waiting_grows_and_has_an_end():
    waits = [domain.lock_after(failures).total_seconds() for failures in range(1, 12)]
    assert waits == [0, 0, 0, 0, 60, 120, 240, 480, 900, 900, 900]
    assert domain.lock_after(10**9) == domain.LONGEST_LOCK


def test_the_address_names_us_and_the_account():
    address = domain.address_for("ABC", account="ann+1@wildrydes.example", issuer="Wild Rydes & Co")
    assert address.startswith("otpauth://totp/Wild%20Rydes%20%26%20Co%3Aann%2B1%40wildrydes.example?secret=ABC&issuer=")
