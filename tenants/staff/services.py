"""Use cases of the second factor. All of it is audited; no code and no secret is in the trail."""

from datetime import datetime
from enum import StrEnum

import structlog
from django.conf import settings
from django.db import transaction

from audit.services import Actor, record
from tenants.identity.models import User
from tenants.staff import domain
from tenants.staff.errors import AlreadyEnrolled, NotEnrolled, TooManyCodes, WrongCode
from tenants.staff.models import Authenticator, RecoveryCode
from wildrydes.kernel.encryption import SealBroken, seal, unseal
from wildrydes.kernel.errors import InvalidInput

LONGEST_REASON = 200
_log = structlog.get_logger(__name__)


class Factor(StrEnum):
    """By what somebody proved who they are."""

    CODE = "code"
    RECOVERY = "recovery code"


def begin_enrolment(*, user: User, afresh: bool = True) -> str:
    """The secret for a new authenticator, in base32.

    Each beginning makes another one: somebody may have looked at an open page, and must not know what is confirmed later.
    With `afresh` False it is the one that was begun, to go on after a mistyped code.

    Raises:
        AlreadyEnrolled: there is a confirmed one.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        found = Authenticator.objects.filter(user=user).first()
        if found is not None and found.confirmed_at is not None:
            raise AlreadyEnrolled("Remove the old one first, or ask an administrator to reset it.")
        secret = _secret_of(found) if found and not afresh else None
        if secret is None:
            secret = domain.new_secret()
            sealed = seal(secret, keys=settings.FIELD_ENCRYPTION_KEY)
            Authenticator.objects.update_or_create(user=user, defaults={"secret_sealed": sealed})
        return secret


def confirm_enrolment(*, user: User, code: str, now: datetime) -> list[str]:
    """From now on the authenticator counts; answers the recovery codes, which are never shown again.

    Raises:
        NotEnrolled: none was begun.
        AlreadyEnrolled: it was confirmed already.
        WrongCode, TooManyCodes: as for `check_code`.
    """
    with transaction.atomic():
        held = _held(user)
        if held.confirmed_at is not None:
            raise AlreadyEnrolled("It is confirmed already.")
        error = _try(held, code, now=now, recovery=False)
        if isinstance(error, Factor):
            held.confirmed_at = now
            held.save(update_fields=["confirmed_at"])
            codes = _new_recovery_codes(held)
            _note(user, held, "staff.second_factor_enrolled")
            return codes
    raise error


def check_code(*, user: User, code: str, now: datetime) -> Factor:
    """Let the person in by their authenticator's code or by a recovery code, each of them once.

    Raises:
        NotEnrolled: there is no confirmed second factor.
        WrongCode: it is not right; it counts as a failure.
        TooManyCodes: too many failures; nothing was looked at.
    """
    # The failure has to be committed: an error is raised after the transaction, not through it.
    with transaction.atomic():
        held = _held(user)
        if held.confirmed_at is None:
            raise NotEnrolled("Set it up first.")
        outcome = _try(held, code, now=now, recovery=True)
    if isinstance(outcome, Factor):
        return outcome
    raise outcome


def renew_recovery_codes(*, user: User) -> list[str]:
    """Ten new ones in place of all old ones.

    Raises:
        NotEnrolled: there is no confirmed second factor.
    """
    with transaction.atomic():
        held = _held(user)
        if held.confirmed_at is None:
            raise NotEnrolled("Set it up first.")
        codes = _new_recovery_codes(held)
        _note(user, held, "staff.recovery_codes_renewed")
        return codes


def remove_second_factor(*, user: User) -> None:
    """The person's own wish; whoever asks has checked a code before.

    Raises:
        NotEnrolled: there is none.
    """
    with transaction.atomic():
        held = _held(user)
        _note(user, held, "staff.second_factor_removed")
        held.delete()


def reset_second_factor(*, user: User, actor: Actor, reason: str) -> None:
    """Take somebody's second factor away: they have lost it. Their sessions end, and they set up a new one when they log in.

    Raises:
        InvalidInput: no reason, or one that is too long.
        NotEnrolled: they have none.
    """
    why = reason.strip()
    if not why or len(why) > LONGEST_REASON or "\x00" in why:
        raise InvalidInput(
            f"Give a reason of up to {LONGEST_REASON} characters.",
            errors=[{"pointer": "/reason", "detail": f"A reason of up to {LONGEST_REASON} characters."}],
        )
    with transaction.atomic():
        held = _held(user)
        held.delete()
        record(
            actor=actor,
            action="staff.second_factor_reset",
            subject_type="identity.user",
            subject_id=str(user.pk),
            reason=why,
        )


def _held(user: User) -> Authenticator:
    found = Authenticator.objects.select_for_update().filter(user=user).first()
    if found is None:
        raise NotEnrolled("There is none.")
    return found


def _secret_of(held: Authenticator) -> str | None:
    """None when the key it was sealed with is gone: then recovery codes are left, and a reset."""
    try:
        return unseal(held.secret_sealed, keys=settings.FIELD_ENCRYPTION_KEY)
    except SealBroken:
        _log.error("second_factor.sealed", remedy="restore the old FIELD_ENCRYPTION_KEY beside the new one")
        return None


def _try(held: Authenticator, code: str, *, now: datetime, recovery: bool) -> Factor | WrongCode | TooManyCodes:
    """What became of a code; the row is locked, so that two simultaneous uses of one code are one after the other."""
    if held.locked_until is not None and held.locked_until > now:
        return _locked(held, now)
    plain = "".join(code.split())
    secret = _secret_of(held)
    step = None if secret is None else domain.accepted_step(secret, plain, now=now, after_step=held.last_step)
    factor = Factor.CODE if step is not None else None
    if factor is None and recovery and _use_recovery_code(held, plain, now=now):
        factor = Factor.RECOVERY
    if factor is None:
        return _failed(held, now)
    held.last_step = held.last_step if step is None else step
    held.failures, held.locked_until, held.last_used_at = 0, None, now
    held.save(update_fields=["last_step", "failures", "locked_until", "last_used_at"])
    return factor


def _failed(held: Authenticator, now: datetime) -> WrongCode | TooManyCodes:
    held.failures += 1
    wait = domain.lock_after(held.failures)
    held.locked_until = now + wait if wait else None
    held.save(update_fields=["failures", "locked_until"])
    if not wait:
        left = domain.FREE_FAILURES - held.failures
        return WrongCode(f"{WrongCode.title}. {left} more {'try' if left == 1 else 'tries'} before you have to wait.")
    _note(held.user, held, "staff.second_factor_locked", failures=held.failures)
    return _locked(held, now)


def _locked(held: Authenticator, now: datetime) -> TooManyCodes:
    until = held.locked_until or now
    seconds = max(1.0, (until - now).total_seconds())
    minutes = -(-int(seconds) // 60)
    return TooManyCodes(
        f"Too many wrong codes. Try again in {minutes} minute{'s' if minutes > 1 else ''}, at {until:%H:%M} UTC; "
        "an administrator can reset your second factor.",
        retry_after=seconds,
    )


def _use_recovery_code(held: Authenticator, code: str, *, now: datetime) -> bool:
    used = RecoveryCode.objects.filter(
        authenticator=held, code_hash=domain.recovery_hash(code), used_at__isnull=True
    ).update(used_at=now)
    if used:
        left = held.recovery_codes.filter(used_at__isnull=True).count()
        _note(held.user, held, "staff.recovery_code_used", left=left)
    return bool(used)


def _new_recovery_codes(held: Authenticator) -> list[str]:
    held.recovery_codes.all().delete()
    codes = [domain.new_recovery_code() for _ in range(domain.RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(authenticator=held, code_hash=domain.recovery_hash(code)) for code in codes]
    )
    return codes


def _note(user: User, held: Authenticator, action: str, **details: int) -> None:
    record(
        actor=Actor.of_user(user),
        action=action,
        subject_type="identity.user",
        subject_id=str(user.pk),
        details=details,
    )
