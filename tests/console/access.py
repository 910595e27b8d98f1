"""Who may do what with every address of the console: one table, held against the address list by `test_every_url`.

A page that is not here fails the tests. `GET` and `POST` name the roles that are let in: all others get 403, 404 or 405, and
who is not logged in is asked to. What is let in may still be told that it cannot be done.
"""

from dataclasses import dataclass

from console.roles import ADMINISTRATOR, AUDITOR, OPERATOR, SUPPORT

EVERY_ROLE = frozenset({SUPPORT, OPERATOR, AUDITOR, ADMINISTRATOR})
NO_ROLE = "none"  # a member of staff without any permission
STAFF = EVERY_ROLE | {NO_ROLE}
NOBODY: frozenset[str] = frozenset()
WORKING = EVERY_ROLE - {AUDITOR}
OPERATING = frozenset({OPERATOR, ADMINISTRATOR})
WATCHING = EVERY_ROLE - {SUPPORT}
TRUSTED = frozenset({AUDITOR, ADMINISTRATOR})
ADMINISTRATING = frozenset({ADMINISTRATOR})


@dataclass(frozen=True)
class Access:
    """The roles that are let in, by method."""

    get: frozenset[str]
    post: frozenset[str]


def _model(
    name: str,
    *,
    view: frozenset[str],
    add: frozenset[str] = NOBODY,
    change: frozenset[str] = NOBODY,
    delete: frozenset[str] = NOBODY,
) -> dict[str, Access]:
    """The addresses that Django makes for a model. A list takes POST for its actions, of which we have none but deleting."""
    return {
        f"{name}_changelist": Access(view, view),
        f"{name}_add": Access(add, add),
        f"{name}_change": Access(view, change),
        f"{name}_delete": Access(delete, delete),
        f"{name}_history": Access(view, view),
    }


ACCESS: dict[str, Access] = {
    # for everybody who is in
    "front": Access(STAFF, NOBODY),
    **dict.fromkeys(("index", "search", "login", "logout", "password_change"), Access(STAFF, STAFF)),
    **dict.fromkeys(("jsi18n", "password_change_done"), Access(STAFF, NOBODY)),
    "app_list": Access(EVERY_ROLE, EVERY_ROLE),
    # Nothing of ours is completed as one types, or has a page on the site.
    "autocomplete": Access(NOBODY, NOBODY),
    "view_on_site": Access(NOBODY, NOBODY),
    # what happened?
    "story": Access(EVERY_ROLE, NOBODY),
    "story_error": Access(NOBODY, EVERY_ROLE),
    # money
    **dict.fromkeys(("money", "money_company", "money_item", "money_statements"), Access(EVERY_ROLE, NOBODY)),
    **dict.fromkeys(("money_compare", "money_repair", "money_close"), Access(NOBODY, OPERATING)),
    # queues
    "queues": Access(EVERY_ROLE, NOBODY),
    "queues_pause": Access(OPERATING, OPERATING),
    "queues_resume": Access(NOBODY, OPERATING),
    # dead letters
    "messaging_deadletter_changelist": Access(EVERY_ROLE, NOBODY),
    "deadletters_letters": Access(EVERY_ROLE, NOBODY),
    "messaging_deadletter_change": Access(EVERY_ROLE, NOBODY),
    "deadletters_payload": Access(NOBODY, EVERY_ROLE),
    "deadletters_error": Access(NOBODY, EVERY_ROLE),
    "deadletters_redrive": Access(WORKING, WORKING),
    "deadletters_discard": Access(OPERATING, OPERATING),
    "deadletters_discard_selected": Access(NOBODY, OPERATING),
    "deadletters_edit": Access(NOBODY, OPERATING),
    # redrive runs
    "messaging_redriverun_changelist": Access(EVERY_ROLE, NOBODY),
    "messaging_redriverun_change": Access(EVERY_ROLE, NOBODY),
    "redriving_figures": Access(EVERY_ROLE, NOBODY),
    "redriving_plan": Access(OPERATING, OPERATING),
    "redriving_steer": Access(NOBODY, OPERATING),
    # routing
    "messaging_routingchoice_changelist": Access(EVERY_ROLE, NOBODY),
    "routing_choose": Access(OPERATING, OPERATING),
    **_model("messaging_overflowepisode", view=EVERY_ROLE),
    # the rest of operations
    **_model("messaging_delivery", view=EVERY_ROLE),
    **_model("django_celery_beat_periodictask", view=WATCHING, change=OPERATING),
    "audit_entry_changelist": Access(TRUSTED, NOBODY),
    # companies
    **_model("registry_tenant", view=EVERY_ROLE, change=OPERATING),
    "registry_tenant_suspend": Access(OPERATING, OPERATING),
    "registry_tenant_reactivate": Access(NOBODY, NOBODY),  # the example is active
    **_model("payment_accounts_account", view=EVERY_ROLE, add=OPERATING, change=OPERATING),
    "payment_accounts_account_retire": Access(OPERATING, OPERATING),
    **_model("registry_tier", view=EVERY_ROLE, change=OPERATING),
    **_model("onboarding_onboardingrun", view=EVERY_ROLE, add=WORKING, change=EVERY_ROLE),
    "onboarding_progress": Access(EVERY_ROLE, EVERY_ROLE),
    "onboarding_retry": Access(NOBODY, WORKING),
    # fleet
    **_model("fleet_unicorn", view=EVERY_ROLE),
    **_model("fleet_reservation", view=EVERY_ROLE),
    **_model("fleet_call", view=EVERY_ROLE),
    **_model("fleet_operator", view=EVERY_ROLE),
    # staff
    **_model("identity_user", view=TRUSTED, add=ADMINISTRATING, change=ADMINISTRATING),
    "auth_user_password_change": Access(ADMINISTRATING, ADMINISTRATING),
    **_model("auth_group", view=TRUSTED),
    **_model("axes_accessattempt", view=TRUSTED, delete=ADMINISTRATING),
    **_model("axes_accesslog", view=TRUSTED),
    **_model("staff_authenticator", view=TRUSTED),
    "staff_authenticator_reset": Access(ADMINISTRATING, ADMINISTRATING),
}
