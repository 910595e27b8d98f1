"""Enrolling, codes, recovery codes, resetting: what is stored, what is audited, what holds under a race."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Entry
from audit.services import Actor
from tenants.identity.models import User
from tenants.registry.context import enter_tenant
from tenants.staff import services
from tenants.staff.errors import AlreadyEnrolled, NotEnrolled, TooManyCodes, WrongCode
from tenants.staff.models import Authenticator, RecoveryCode
from tests.tenants.staff.conftest import code_at, enrolled
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.errors import InvalidInput


def actions():
    return list(Entry.objects.order_by("id").values_list("action", flat=True))


def test_enrolling_counts_once_it_is_confirmed(ann):
    seen_by_somebody = services.begin_enrolment(user=ann)
    secret = services.begin_enrolment(user=ann)
    assert secret != seen_by_somebody
    assert services.begin_enrolment(user=ann, afresh=False) == secret
    with pytest.raises(WrongCode):
        services.confirm_enrolment(user=ann, code=code_at(seen_by_somebody, utcnow()), now=utcnow())
    with pytest.raises(NotEnrolled):
        services.check_code(user=ann, code=code_at(secret, utcnow()), now=utcnow())
    codes = services.confirm_enrolment(user=ann, code=code_at(secret, utcnow()), now=utcnow())
    assert len(set(codes)) == 10
    with pytest.raises(AlreadyEnrolled):
        services.begin_enrolment(user=ann)
    assert actions() == ["staff.second_factor_enrolled"]


def test_nothing_is_stored_in_the_clear(ann):
    phone, codes = enrolled(ann)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(a)::text FROM staff_authenticator a")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT row_to_json(r)::text FROM staff_recoverycode r")
        stored += str(cursor.fetchall())
        cursor.execute("SELECT row_to_json(e)::text FROM audit_entry e")
        stored += str(cursor.fetchall())
    assert phone.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_they_live_in_public_only(tenant):
    with enter_tenant(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT table_schema FROM information_schema.tables WHERE table_name LIKE 'staff_%'")
        assert {row[0] for row in cursor.fetchall()} == {"public"}


def test_a_code_cannot_be_used_again(ann):
    phone, _ = enrolled(ann)
    code = phone.later(0)
    assert services.check_code(user=ann, code=code, now=phone.now) is services.Factor.CODE
    with pytest.raises(WrongCode):
        services.check_code(user=ann, code=code, now=phone.now)
    # Not even the one with which it was confirmed.
    assert services.check_code(user=ann, code=phone.later(), now=phone.now) is services.Factor.CODE


def test_a_code_is_good_once_even_for_two_at_the_same_moment(committed):
    ann = User.objects.create_superuser("ann@wildrydes.example", "x")
    phone, _ = enrolled(ann)
    code, start = phone.later(0), Barrier(4)

    def use(_):
        start.wait()
        try:
            return services.check_code(user=ann, code=code, now=phone.now)
        except WrongCode:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(map(str, pool.map(use, range(4)))) == ["None", "None", "None", "code"]


def test_a_recovery_code_is_good_once_and_audited(ann):
    _, codes = enrolled(ann)
    typed = codes[0].lower().replace("-", " ")
    assert services.check_code(user=ann, code=typed, now=utcnow()) is services.Factor.RECOVERY
    with pytest.raises(WrongCode):
        services.check_code(user=ann, code=codes[0], now=utcnow())
    assert actions()[-1] == "staff.recovery_code_used"
    assert Entry.objects.latest("id").details == {"left": 9}
    new = services.renew_recovery_codes(user=ann)
    assert RecoveryCode.objects.count() == 10
    with pytest.raises(WrongCode):
        services.check_code(user=ann, code=codes[1], now=utcnow())
    assert services.check_code(user=ann, code=new[1], now=utcnow()) is services.Factor.RECOVERY


def test_guessing_locks_ever_longer_and_tells_until_when(ann):
    phone, codes = enrolled(ann)
    now = utcnow()
    for left in (4, 3, 2, 1):
        with pytest.raises(WrongCode, match=f"{left} more (tries|try)"):
            services.check_code(user=ann, code="000000", now=now)
    with pytest.raises(TooManyCodes, match=r"Try again in 1 minute, at .* UTC"):
        services.check_code(user=ann, code="000000", now=now)
    # The right code and a recovery code are not looked at either, and none of them is used up.
    for code in (code_at(phone.secret, now), codes[0]):
        with pytest.raises(TooManyCodes):
            services.check_code(user=ann, code=code, now=now + timedelta(seconds=59))
    with pytest.raises(TooManyCodes) as refused:
        services.check_code(user=ann, code="000000", now=now + timedelta(seconds=61))
    assert refused.value.retry_after == 120
    later = now + timedelta(seconds=61 + 121)
    assert services.check_code(user=ann, code=code_at(phone.secret, later), now=later) is services.Factor.CODE
    assert Authenticator.objects.get().failures == 0
    assert actions().count("staff.second_factor_locked") == 2


def test_somebody_elses_guesses_are_not_ours(ann):
    enrolled(ann)
    bob = User.objects.create_superuser("bob@wildrydes.example", "x")
    phone, _ = enrolled(bob)
    for _ in range(6):
        with pytest.raises((WrongCode, TooManyCodes)):
            services.check_code(user=ann, code="000000", now=utcnow())
    assert services.check_code(user=bob, code=phone.later(0), now=phone.now)


def test_a_lost_key_leaves_recovery_codes_and_a_reset(ann, settings):
    phone, codes = enrolled(ann)
    settings.FIELD_ENCRYPTION_KEY = "B" * 43 + "="
    with pytest.raises(WrongCode):
        services.check_code(user=ann, code=phone.later(0), now=phone.now)
    assert services.check_code(user=ann, code=codes[0], now=utcnow()) is services.Factor.RECOVERY


def test_a_reset_takes_a_reason_and_is_on_record(ann):
    enrolled(ann)
    for reason in ("", "   ", "x" * 201, "a\x00b"):
        with pytest.raises(InvalidInput):
            services.reset_second_factor(user=ann, actor=Actor.command(), reason=reason)
    call_command("reset_second_factor", "ANN@wildrydes.example", "--reason", "Lost it; called back", verbosity=0)
    assert not Authenticator.objects.exists()
    entry = Entry.objects.latest("id")
    assert (entry.action, entry.reason, entry.actor_kind) == (
        "staff.second_factor_reset",
        "Lost it; called back",
        "command",
    )


@pytest.mark.parametrize("email", ["nobody@wildrydes.example", "ann@wildrydes.example", "\x00", "'--"])
def test_a_command_that_cannot_be_done_is_one_line(ann, email):
    with pytest.raises(CommandError):
        call_command("reset_second_factor", email, "--reason", "x")
