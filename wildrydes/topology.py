"""Every command and subscription of the product, in one table. `manage.py topology` prints and draws it.

There is no other way for a handler to get a message: nothing registers itself at run time.
"""

from api.events import ExpireOperation
from api.handlers import on_expire_operation, on_expire_operation_dead
from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route, Scope, Topology
from payments import events as payments_events
from payments import handlers as payments
from tenants.accounts import handlers as accounts
from tenants.identity.events import SendInvitation, UserProvisioned
from tenants.identity.handlers import InvitationMail, invitation_undeliverable
from tenants.onboarding import handlers as onboarding
from tenants.onboarding.events import ProvisionTenant, TenantProvisioned

# A capture has a deadline of its own; its attempts last about ten minutes.
_CAPTURE = RetryPolicy(attempts=40, base=0.5, cap=30.0)
# Money that is owed to or by a rider: every quarter of an hour or so, for about five days.
_PATIENT = RetryPolicy(attempts=1_000, crashes=20, base=2.0, cap=900.0)

ROUTES: list[Route] = [
    # api
    Route(
        message=ExpireOperation,
        name="api.expire_operation",
        handler=on_expire_operation,
        queue_class=QueueClass.CONTROL,
        on_dead=on_expire_operation_dead,
    ),
    # tenants
    Route(
        message=ProvisionTenant,
        name="onboarding.provision",
        handler=onboarding.PROVISION,
        queue_class=QueueClass.CONTROL,
        scope=Scope.PLATFORM,
        retry=RetryPolicy(attempts=3, base=1.0, cap=5.0),
        on_dead=onboarding.provisioning_died,
    ),
    Route(
        message=TenantProvisioned,
        name="accounts.open_billing_account",
        handler=accounts.open_billing_account,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=TenantProvisioned,
        name="accounts.write_tenant_settings",
        handler=accounts.write_tenant_settings,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=UserProvisioned,
        name="accounts.add_billing_member",
        handler=accounts.add_billing_member,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=UserProvisioned,
        name="accounts.write_user_settings",
        handler=accounts.write_user_settings,
        queue_class=QueueClass.CONTROL,
    ),
    # payments
    Route(
        message=payments_events.CapturePayment,
        name="payments.capture",
        handler=payments.CaptureGateway(),
        queue_class=QueueClass.PAYMENTS,
        retry=_CAPTURE,
        on_dead=payments.capture_given_up,
    ),
    Route(
        message=payments_events.CaptureCredit,
        name="payments.capture_credit",
        handler=payments.CreditGateway(),
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.left_unfinished,
    ),
    Route(
        message=payments_events.ResolveUnknown,
        name="payments.resolve_unknown",
        handler=payments.ResolveGateway(),
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.left_unfinished,
    ),
    Route(
        message=payments_events.RefundPayment,
        name="payments.refund",
        handler=payments.RefundGateway(),
        queue_class=QueueClass.PAYMENTS,
        retry=_PATIENT,
        on_dead=payments.refund_given_up,
    ),
    # tenants.identity
    Route(
        message=SendInvitation,
        name="identity.mail_invitation",
        handler=InvitationMail(),
        queue_class=QueueClass.NOTIFICATIONS,
        retry=RetryPolicy(attempts=12, base=2.0, cap=1800.0),
        time_limit=60.0,
        on_dead=invitation_undeliverable,
    ),
]

TOPOLOGY = Topology(ROUTES)
