"""Refresh tokens: rotation, reuse, revocation; with real connections where it is about time and order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, connections
from django.db.models import F
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from messaging.scheduling import run_job
from tenants.identity import services
from tenants.identity.errors import InvalidCredentials, InvalidRefreshToken
from tenants.identity.models import RefreshFamily, RefreshToken, RevocationReason, User
from tenants.registry.context import enter_public, enter_tenant


def age(seconds):
    """Let time pass for every login of the entered tenant: everything in it happened that much earlier."""
    step = timedelta(seconds=seconds)
    RefreshFamily.objects.update(expires_at=F("expires_at") - step)
    RefreshToken.objects.update(expires_at=F("expires_at") - step)
    RefreshToken.objects.exclude(used_at=None).update(used_at=F("used_at") - step)


def valid_tokens():
    return RefreshToken.objects.filter(family__revoked_at=None, used_at=None, replaced_at=None).count()


@pytest.fixture
def first(in_tenant, ada):
    return services.issue_tokens(user=ada).refresh


def refresh(token):
    return services.refresh_tokens(refresh=token).refresh


def refused(token):
    with pytest.raises(InvalidRefreshToken):
        refresh(token)
    return True


def test_a_token_is_good_for_one_refresh(first):
    second = refresh(first)
    assert second != first
    assert refresh(second) not in (first, second)
    assert valid_tokens() == 1


def test_only_hashes_are_stored(first):
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM identity_refreshtoken t")
        assert first not in str(cursor.fetchall())


def test_asking_again_in_time_replaces_the_unused_successor(first):
    lost = refresh(first)
    age(7)
    found = refresh(first)
    assert refused(lost)
    assert valid_tokens() == 1
    assert refresh(found)


def test_the_time_to_ask_again_does_not_start_anew(first):
    refresh(first)
    age(6)
    refresh(first)
    age(6)
    assert refused(first)
    assert valid_tokens() == 0


def test_asking_again_too_late_ends_the_login(first):
    second = refresh(first)
    age(11)
    assert refused(first)
    assert refused(second)
    assert RefreshFamily.objects.get().revoked_reason == RevocationReason.REUSE


def test_asking_again_after_the_successor_was_used_ends_the_login(first):
    third = refresh(refresh(first))
    assert refused(first)
    assert refused(third)
    assert valid_tokens() == 0


def test_an_expired_token_is_refused(first, settings):
    age(settings.REFRESH_TOKEN_LIFETIME.total_seconds() + 1)
    assert refused(first)
    assert RefreshFamily.objects.get().revoked_at is None


@pytest.mark.parametrize("token", ["", "x", "wrrt_" + "A" * 43, "\0", "\ud800", "é" * 200])
def test_what_is_no_token_is_refused(in_tenant, token):
    assert refused(token)


def test_a_token_means_nothing_at_another_tenant(first, other_tenant):
    with enter_tenant(other_tenant):
        assert refused(first)
        services.log_out(refresh=first)
    assert refresh(first)


def test_logging_out_ends_this_login_only(first, ada):
    other = services.issue_tokens(user=ada).refresh
    second = refresh(first)
    services.log_out(refresh=first)  # any token of it will do
    assert refused(second)
    services.log_out(refresh=second)
    services.log_out(refresh="unknown")
    assert refresh(other)
    assert RefreshFamily.objects.filter(revoked_reason=RevocationReason.LOGOUT).count() == 1


def test_deactivation_ends_all_logins(first, ada):
    services.update_user(user_id=ada.pk, is_active=False)
    assert refused(first)
    services.update_user(user_id=ada.pk, is_active=True)
    assert refused(first)


def test_the_new_token_tells_the_users_role_of_now(first, ada):
    from tenants.identity.tokens import AccessToken

    services.update_user(user_id=ada.pk, role="manager")
    pair = services.refresh_tokens(refresh=first)
    assert AccessToken(pair.access).claims.roles == ["manager"]


def test_a_login_that_a_new_password_overtook_comes_to_nothing(in_tenant, ada):
    as_read = User.objects.get(pk=ada.pk)
    User.objects.filter(pk=ada.pk).update(password=make_password("another long one"))
    with pytest.raises(InvalidCredentials):
        services.issue_tokens(user=as_read)
    assert not RefreshFamily.objects.exists()


def test_what_can_never_be_used_again_is_deleted(first, settings):
    second = refresh(first)
    age(settings.REFRESH_TOKEN_LIFETIME.total_seconds() - 60)
    third = refresh(second)
    age(120)
    assert services.delete_expired_sessions() == 2
    assert refused(first)
    assert refresh(third)
    age(settings.REFRESH_TOKEN_LIFETIME.total_seconds() + 8 * 24 * 3600)
    with enter_public():
        assert run_job("identity.delete_expired_sessions")
    assert not RefreshFamily.objects.exists()
    assert not RefreshToken.objects.exists()


def test_sixteen_uses_at_once_leave_one_valid_successor(committed, tenant, in_tenant):
    user = User.objects.create(email="threads@acme.example", password="!")
    token = services.issue_tokens(user=user).refresh
    start = Barrier(16)

    def use():
        try:
            with enter_tenant(tenant):
                connection.ensure_connection()
                start.wait(timeout=20)
                try:
                    return refresh(token)
                except InvalidRefreshToken:
                    return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        answers = [future.result() for future in [pool.submit(use) for _ in range(16)]]
    successors = [answer for answer in answers if answer]
    assert successors
    assert valid_tokens() == 1
    usable = []
    for successor in successors:
        try:
            usable.append(refresh(successor))
        except InvalidRefreshToken:
            continue
    assert len(usable) == 1
    assert valid_tokens() == 1


class Model(RuleBasedStateMachine):
    """What a client and a thief may do with the tokens of one login, beside a small model of what must come of it.

    The model knows one line of tokens: `line[i + 1]` is the successor of `line[i]`; whatever was replaced is in `dead`.
    """

    user: User

    @initialize()
    def log_in(self):
        RefreshFamily.objects.filter(user=self.user).delete()
        self.now = 0.0
        self.line = [services.issue_tokens(user=self.user).refresh]
        self.used_at: list[float] = []
        self.dead: list[str] = []
        self.ended = False

    @rule(seconds=st.sampled_from([4, 11, 60]))
    def wait(self, seconds):
        age(seconds)
        self.now += seconds

    @rule(pick=st.floats(0, 1))
    def use(self, pick):
        at = min(int(pick * len(self.line)), len(self.line) - 1)
        token = self.line[at]
        if self.ended:
            assert refused(token)
        elif at == len(self.line) - 1:
            self.used_at.append(self.now)
            self.line.append(refresh(token))
        elif at == len(self.line) - 2 and self.now - self.used_at[at] < 10:
            self.dead.append(self.line.pop())
            self.line.append(refresh(token))
        else:
            assert refused(token)
            self.ended = True

    @rule()
    def use_the_newest(self):
        self.use(1.0)

    @rule()
    def ask_again(self):
        self.use((len(self.line) - 1.5) / len(self.line) if len(self.line) > 1 else 0.0)

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def use_a_replaced_one(self, data):
        assert refused(data.draw(st.sampled_from(self.dead)))

    @rule()
    def log_out(self):
        services.log_out(refresh=self.line[0])
        self.ended = True

    @invariant()
    def one_valid_token_or_none(self):
        if hasattr(self, "line"):
            assert valid_tokens() == (0 if self.ended else 1)


def test_whatever_is_done_there_are_never_two_valid_tokens(in_tenant, ada):
    Model.user = ada
    run_state_machine_as_test(
        Model,
        settings=hypothesis_settings(
            max_examples=15,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
