"""The handler of `onboarding.provision`: from a registered name to a tenant in service.

A gateway in shape: the long work (`call`) runs outside of any transaction and commits step by step; the last two steps and the
switch to `active` are one commit (`settle`). A worker that dies at any point is replaced when its lease runs out; the next one
finds the finished steps and goes on.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from messaging.errors import PutBack
from messaging.messages import Envelope
from messaging.services import publish
from messaging.topology import DeadCause
from tenants.identity.models import Role
from tenants.identity.services import create_user, invite_user
from tenants.onboarding import progress
from tenants.onboarding.events import ProvisionTenant, TenantProvisioned
from tenants.onboarding.locks import LockBusy, advisory_lock
from tenants.onboarding.models import OnboardingRun, RunState, StepCode, StepState
from tenants.onboarding.steps import STEPS
from tenants.registry.context import enter_tenant
from tenants.registry.directory import forget, snapshot
from tenants.registry.models import Tenant, TenantStatus


@dataclass(frozen=True, kw_only=True)
class _Intent:
    """The run to go on with. Every step looks for itself at what an earlier try has done."""

    run_id: UUID
    may_have_been_sent: bool = False


@dataclass(frozen=True)
class _SchemaReady:
    """All that precedes opening for service is done."""


class Provisioning:
    """Makes tenants."""

    def prepare(self, message: Envelope[ProvisionTenant]) -> _Intent | None:
        """The run, unless it has ended meanwhile."""
        run = OnboardingRun.objects.filter(id=message.body.run_id, state=RunState.RUNNING).first()
        return None if run is None else _Intent(run_id=run.id)

    def lookup(self, intent: _Intent) -> _SchemaReady | None:
        """Nothing to look up: `call` may always be repeated."""
        return None

    def call(self, intent: _Intent) -> _SchemaReady:
        """Do the steps that are not done.

        Raises:
            PutBack: another worker, thought dead, is still at it.
        """
        tenant = Tenant.objects.get(onboarding__id=intent.run_id)
        try:
            with advisory_lock(f"onboarding {intent.run_id}", wait_seconds=0):
                for code, work in STEPS:
                    if not progress.begin(intent.run_id, code):
                        continue
                    try:
                        note = work(tenant)
                    except Exception as error:
                        progress.fail(intent.run_id, code, progress.reason_of(error))
                        raise
                    progress.finish(intent.run_id, code, note)
        except LockBusy as error:
            raise PutBack(str(error), after=2.0) from error
        progress.begin(intent.run_id, StepCode.FIRST_USER)
        return _SchemaReady()

    def settle(self, message: Envelope[ProvisionTenant], intent: _Intent, result: _SchemaReady) -> None:
        """Create the first user, tell everyone, open for service: all of it or nothing."""
        run = OnboardingRun.objects.select_for_update().select_related("tenant__tier").get(id=intent.run_id)
        if run.state != RunState.RUNNING:
            return
        tenant = run.tenant
        with enter_tenant(snapshot(tenant)):
            note = _create_first_user(run)
            publish(
                TenantProvisioned(tenant_id=tenant.id, name=tenant.name, tier=tenant.tier_id, currency=tenant.currency)
            )
        progress.finish(run.id, StepCode.FIRST_USER, note)
        progress.begin(run.id, StepCode.ACTIVATE)
        Tenant.objects.filter(id=tenant.id).update(status=TenantStatus.ACTIVE)
        progress.finish(run.id, StepCode.ACTIVATE)
        OnboardingRun.objects.filter(id=run.id).update(
            state=RunState.SUCCEEDED,
            finished_at=progress.ClockTimestamp(),
            failure="",
            first_user_email="",
            first_user_name="",
            first_user_password="",  # blanked: it is the tenant's alone from here
        )
        transaction.on_commit(forget)


def _create_first_user(run: OnboardingRun) -> str:
    """The company's administrator, with the password that was given or an invitation to choose one."""
    who = {"email": run.first_user_email, "name": run.first_user_name, "role": Role.ADMINISTRATOR}
    if run.first_user_password:
        create_user(**who, hashed_password=run.first_user_password)
        return "with the given password"
    invite_user(**who)
    return "invited by e-mail"


def provisioning_died(message: Envelope[ProvisionTenant], cause: DeadCause) -> None:
    """The outcome of an onboarding that was given up: it failed, with the reason on its page."""
    run = OnboardingRun.objects.select_for_update().filter(id=message.body.run_id, state=RunState.RUNNING).first()
    if run is None:
        return
    unfinished = run.steps.exclude(state=StepState.DONE).order_by("position").first()
    reason = progress.describe(cause.error_class, cause.detail) if cause.error_class else cause.reason.label
    if unfinished is not None:
        reason = (unfinished.state == StepState.FAILED and unfinished.note) or reason
        progress.fail(run.id, StepCode(unfinished.code), reason)
    OnboardingRun.objects.filter(id=run.id).update(
        state=RunState.FAILED, failure=reason[: progress.LONGEST_REASON], finished_at=Now()
    )
    Tenant.objects.filter(id=run.tenant_id).update(status=TenantStatus.FAILED)
    transaction.on_commit(forget)
