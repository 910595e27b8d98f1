"""The permissions that the console's pages ask for, by what they allow."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.decorators import permission_required

VIEW_LETTERS = "messaging.view_deadletter"
VIEW_PAYLOAD = "messaging.view_deadletter_payload"
REDRIVE = "messaging.redrive_deadletter"
DISCARD = "messaging.discard_deadletter"
EDIT = "messaging.edit_deadletter"
VIEW_RUNS = "messaging.view_redriverun"
PLAN_RUN = "messaging.add_redriverun"
STEER_RUN = "messaging.change_redriverun"
VIEW_ROUTING = "messaging.view_routingchoice"
CHANGE_ROUTING = "messaging.change_routingchoice"
VIEW_AUDIT = "audit.view_entry"
VIEW_STORY = "console.view_story"
VIEW_MONEY = "console.view_money"
REPAIR_MONEY = "console.repair_money"
VIEW_DELIVERIES = "messaging.view_delivery"
CHANGE_TENANT = "registry.change_tenant"

View = TypeVar("View", bound=Callable[..., Any])


def needs(*permissions: str) -> Callable[[View], View]:
    """Refuses (403) whoever lacks one of the permissions; for views that ask already whether somebody is logged in."""

    def decorate(view: View) -> View:
        return permission_required(permissions, raise_exception=True)(view)

    return decorate
