from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import MAX_CHARGE_MINOR, check_amount, check_source, fits_on_credit
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.money import Money


@pytest.mark.parametrize("source", ["tok_visa", "tok_declined_expired_card", "tok_1", "tok_a1b2_c3"])
def test_tokens(source):
    assert check_source(source) == source


@pytest.mark.parametrize(
    "source",
    [
        "",
        "tok_",
        "sk_live_visa",
        "tok_visa\n",
        "tok_visa\x00",
        "tok_\u0661",
        "visa",
        "tok_" + "a" * 61,
        "4242424242424242",
        "tok_4242424242424242",
        "tok_4242_4242_4242_4242",
    ],
)
def test_what_is_no_token_or_hides_a_card_number(source):
    with pytest.raises(InvalidInput) as caught:
        check_source(source)
    assert "4242" not in caught.value.detail, "a card number is not repeated"


@given(st.text())
def test_any_text_is_a_token_or_an_error_for_the_client(source):
    with suppress(InvalidInput):
        assert check_source(source) == source


@pytest.mark.parametrize("minor", [0, -1, MAX_CHARGE_MINOR + 1])
def test_amounts_out_of_bounds(minor):
    with pytest.raises(InvalidInput):
        check_amount(Money(minor, "USD"))


def test_amounts_at_the_bounds():
    assert check_amount(Money(1, "JPY")).minor == 1
    assert check_amount(Money(MAX_CHARGE_MINOR, "JPY")).minor == MAX_CHARGE_MINOR


def test_credit_up_to_the_limit():
    assert fits_on_credit(amount_minor=40, outstanding_minor=60, limit_minor=100)
    assert not fits_on_credit(amount_minor=41, outstanding_minor=60, limit_minor=100)
    assert not fits_on_credit(amount_minor=1, outstanding_minor=0, limit_minor=0)
