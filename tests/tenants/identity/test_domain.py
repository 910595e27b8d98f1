"""The rule of refresh tokens, without a database."""

from datetime import timedelta
from itertools import product

import pytest

from tenants.identity.domain import REUSE_GRACE, TokenState, Verdict, judge, new_secret, secret_hash
from wildrydes.logs import mask_secrets

FRESH = TokenState(family_is_revoked=False, has_expired=False, was_replaced=False, used_for=None, successor_used=False)


def state(**changes):
    return TokenState(**{**{name: getattr(FRESH, name) for name in FRESH.__dataclass_fields__}, **changes})


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.ROTATE),
        ({"used_for": timedelta(0)}, Verdict.REPLACE),
        ({"used_for": REUSE_GRACE}, Verdict.REPLACE),
        ({"used_for": REUSE_GRACE + timedelta(microseconds=1)}, Verdict.REVOKE),
        ({"used_for": timedelta(0), "successor_used": True}, Verdict.REVOKE),
        ({"was_replaced": True}, Verdict.REFUSE),
        ({"has_expired": True}, Verdict.REFUSE),
        ({"family_is_revoked": True}, Verdict.REFUSE),
    ],
)
def test_what_the_use_of_a_token_leads_to(changes, verdict):
    assert judge(state(**changes)) is verdict


def test_nothing_comes_of_a_family_that_has_ended():
    for replaced, expired, used, successor in product(
        [True, False], [True, False], [None, timedelta(1)], [True, False]
    ):
        ended = state(
            family_is_revoked=True, was_replaced=replaced, has_expired=expired, used_for=used, successor_used=successor
        )
        assert judge(ended) is Verdict.REFUSE


def test_secrets_are_long_and_never_the_same():
    secrets = {new_secret("wrrt") for _ in range(1_000)}
    assert len(secrets) == 1_000
    assert all(secret.startswith("wrrt_") and len(secret) == 48 for secret in secrets)


@pytest.mark.parametrize("text", ["", "x", "\ud800", "\0", "é" * 10_000])
def test_any_text_has_a_hash(text):
    assert len(secret_hash(text)) == 32


@pytest.mark.parametrize("prefix", ["wrin", "wrrt"])
def test_secrets_are_cut_out_of_log_lines(prefix):
    secret = new_secret(prefix)
    assert mask_secrets(None, "info", f"Forbidden: /invitations/{secret}/") == f"Forbidden: /invitations/{prefix}_…/"
