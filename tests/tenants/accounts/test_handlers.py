from django.db import transaction

from messaging.services import publish
from tenants.accounts.domain import default_distance_unit
from tenants.accounts.models import BillingAccount, BillingMember, TenantSettings, UserSettings
from tenants.identity.events import UserProvisioned
from tenants.onboarding.events import TenantProvisioned
from wildrydes.kernel.ids import new_id


def test_told_twice_accounts_and_settings_stay_as_people_left_them(in_tenant, drain):
    user_id = new_id()
    BillingAccount.objects.all().delete()
    TenantSettings.objects.all().delete()
    for _ in range(2):
        with transaction.atomic():
            publish(TenantProvisioned(tenant_id=in_tenant.id, name="Acme", tier="basic", currency="EUR"))
            publish(UserProvisioned(user_id=user_id))
        assert drain() == 4
        TenantSettings.objects.update(time_zone="Europe/Paris")
        UserSettings.objects.filter(user_id=user_id).update(language="fr")
    assert BillingAccount.objects.get().currency == "EUR"
    assert TenantSettings.objects.get().time_zone == "Europe/Paris"
    assert BillingMember.objects.filter(user_id=user_id).count() == 1
    assert UserSettings.objects.get(user_id=user_id).language == "fr"


def test_distances_are_written_as_people_expect():
    assert {currency: default_distance_unit(currency) for currency in ("USD", "GBP", "EUR", "JPY")} == {
        "USD": "mi", "GBP": "mi", "EUR": "km", "JPY": "km",
    }  # fmt: skip
