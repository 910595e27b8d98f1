"""Every command and subscription of the product, in one table. `manage.py topology` prints and draws it.

There is no other way for a handler to get a message: nothing registers itself at run time.
"""

from api.events import ExpireOperation
from api.handlers import on_expire_operation, on_expire_operation_dead
from messaging.retry import RetryPolicy
from messaging.topology import QueueClass, Route, Scope, Topology
from tenants.accounts import handlers as accounts
from tenants.identity.events import UserProvisioned
from tenants.onboarding import handlers as onboarding
from tenants.onboarding.events import ProvisionTenant, TenantProvisioned

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
]

TOPOLOGY = Topology(ROUTES)
