"""Every command and subscription of the product, in one table. `manage.py topology` prints and draws it.

There is no other way for a handler to get a message: nothing registers itself at run time.
"""

from api import prospects as api_prospects
from api.events import ExpireOperation, OperationCancelRequested
from api.handlers import on_expire_operation, on_expire_operation_dead
from bookings import events as bookings_events
from bookings import handlers as bookings
from bookings import prospects as bookings_prospects
from loyalty import handlers as loyalty
from loyalty import prospects as loyalty_prospects
from messaging.deadletters.redriving.events import DriveRun
from messaging.deadletters.redriving.handlers import drive_run, drive_run_is_dead
from messaging.deadletters.redriving.prospects import of_drive_run
from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route, Scope, Topology
from notifications.gateway import PushWebhook, push_is_dead
from notifications.prospects import of_push
from payments import events as payments_events
from tenants.accounts import handlers as accounts
from tenants.accounts import prospects as accounts_prospects
from tenants.identity import prospects as identity_prospects
from tenants.identity.events import SendInvitation, UserProvisioned
from tenants.identity.handlers import InvitationMail, invitation_undeliverable
from tenants.onboarding import handlers as onboarding
from tenants.onboarding import prospects as onboarding_prospects
from tenants.onboarding.events import ProvisionTenant, TenantProvisioned
from wildrydes.topology_money import MONEY_ROUTES
from wildrydes.topology_quotes import QUOTES

# A tenant's endpoint: ever more slowly over about four hours, eight at most.
_WEBHOOK = RetryPolicy(attempts=18, crashes=10, base=5.0, cap=3600.0)
# A redrive run's driver: about ten minutes of trouble, then the run waits for people.
_DRIVER = RetryPolicy(attempts=20, crashes=10, base=0.5, cap=60.0)
_PUSH = PushWebhook()

ROUTES: list[Route] = [
    # api
    Route(
        message=ExpireOperation,
        name="api.expire_operation",
        handler=on_expire_operation,
        foresee=api_prospects.of_expiry,
        queue_class=QueueClass.CONTROL,
        on_dead=on_expire_operation_dead,
    ),
    # messaging: dead letters sent again
    Route(
        message=DriveRun,
        name="deadletters.drive_run",
        handler=drive_run,
        queue_class=QueueClass.CONTROL,
        scope=Scope.PLATFORM,
        retry=_DRIVER,
        on_dead=drive_run_is_dead,
        foresee=of_drive_run,
    ),
    # tenants
    Route(
        message=ProvisionTenant,
        name="onboarding.provision",
        handler=onboarding.PROVISION,
        foresee=onboarding_prospects.of_provisioning,
        queue_class=QueueClass.CONTROL,
        scope=Scope.PLATFORM,
        retry=RetryPolicy(attempts=3, base=1.0, cap=5.0),
        on_dead=onboarding.provisioning_died,
    ),
    Route(
        message=TenantProvisioned,
        name="accounts.open_billing_account",
        handler=accounts.open_billing_account,
        foresee=accounts_prospects.of_billing_account,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=TenantProvisioned,
        name="accounts.write_tenant_settings",
        handler=accounts.write_tenant_settings,
        foresee=accounts_prospects.of_tenant_settings,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=UserProvisioned,
        name="accounts.add_billing_member",
        handler=accounts.add_billing_member,
        foresee=accounts_prospects.of_billing_member,
        queue_class=QueueClass.CONTROL,
    ),
    Route(
        message=UserProvisioned,
        name="accounts.write_user_settings",
        handler=accounts.write_user_settings,
        foresee=accounts_prospects.of_user_settings,
        queue_class=QueueClass.CONTROL,
    ),
    # payments: taking and giving back money, and comparing it with the provider's record
    *MONEY_ROUTES,
    # tenants.identity
    Route(
        message=SendInvitation,
        name="identity.mail_invitation",
        handler=InvitationMail(),
        foresee=identity_prospects.of_invitation,
        queue_class=QueueClass.NOTIFICATIONS,
        retry=RetryPolicy(attempts=12, base=2.0, cap=1800.0),
        time_limit=60.0,
        on_dead=invitation_undeliverable,
    ),
    # bookings: the ride
    Route(
        message=bookings_events.PlanRide,
        name="bookings.plan_ride",
        handler=bookings.plan_ride,
        foresee=bookings_prospects.of_plan,
        queue_class=QueueClass.BOOKINGS,
        on_dead=bookings.plan_ride_is_dead,
    ),
    Route(
        message=bookings_events.BookingDeadline,
        name="bookings.meet_deadline",
        handler=bookings.meet_deadline,
        foresee=bookings_prospects.of_deadline,
        queue_class=QueueClass.BOOKINGS,
        on_dead=bookings.deadline_is_dead,
    ),
    Route(
        message=bookings_events.CompleteRide,
        name="bookings.complete_ride",
        handler=bookings.complete_ride,
        foresee=bookings_prospects.of_completion,
        queue_class=QueueClass.BOOKINGS,
        on_dead=bookings.complete_ride_is_dead,
    ),
    Route(
        message=payments_events.PaymentCaptured,
        name="bookings.payment_captured",
        handler=bookings.payment_captured,
        foresee=bookings_prospects.of_captured,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=payments_events.PaymentOnCredit,
        name="bookings.payment_on_credit",
        handler=bookings.payment_on_credit,
        foresee=bookings_prospects.of_on_credit,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=payments_events.PaymentDeclined,
        name="bookings.payment_declined",
        handler=bookings.payment_declined,
        foresee=bookings_prospects.of_declined,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=payments_events.PaymentFailed,
        name="bookings.payment_failed",
        handler=bookings.payment_failed,
        foresee=bookings_prospects.of_payment_failed,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=payments_events.PaymentRefunded,
        name="bookings.payment_refunded",
        handler=bookings.payment_refunded,
        foresee=bookings_prospects.of_refunded,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=payments_events.RefundFailed,
        name="bookings.refund_failed",
        handler=bookings.refund_failed,
        foresee=bookings_prospects.of_refund_failed,
        queue_class=QueueClass.BOOKINGS,
    ),
    Route(
        message=OperationCancelRequested,
        name="bookings.operation_cancel_requested",
        handler=bookings.operation_cancel_requested,
        foresee=bookings_prospects.of_cancel_request,
        queue_class=QueueClass.BOOKINGS,
    ),
    *QUOTES,
    # loyalty: reacts to rides
    Route(
        message=bookings_events.BookingConfirmed,
        name="loyalty.booking_confirmed",
        handler=loyalty.booking_confirmed,
        foresee=loyalty_prospects.of_confirmation,
        queue_class=QueueClass.LOYALTY,
    ),
    Route(
        message=bookings_events.BookingCancelled,
        name="loyalty.booking_cancelled",
        handler=loyalty.booking_cancelled,
        foresee=loyalty_prospects.of_cancellation,
        queue_class=QueueClass.LOYALTY,
    ),
    # notifications: tells the company's own systems
    *(
        Route(
            message=event,
            name=f"notifications.push_{event.topic.replace('.', '_')}",
            handler=_PUSH,
            foresee=of_push,
            queue_class=QueueClass.NOTIFICATIONS,
            retry=_WEBHOOK,
            on_dead=push_is_dead,
        )
        for event in (
            bookings_events.BookingConfirmed,
            bookings_events.BookingFailed,
            bookings_events.BookingCancelled,
            bookings_events.BookingCompleted,
        )
    ),
]

TOPOLOGY = Topology(ROUTES)
