"""The app's registration."""

from django.apps import AppConfig


class PaymentAccountsConfig(AppConfig):
    """Which provider each tenant's payments go through. In `public`: a notification names the account, not the tenant."""

    name = "payments.accounts"
    label = "payment_accounts"
    verbose_name = "Payment accounts"
