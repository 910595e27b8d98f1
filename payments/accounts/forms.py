"""The forms with which operators set up payment accounts. Keys and secrets go in and never come out."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from payments.accounts.models import Account, AccountState
from payments.accounts.services import AccountSettings
from payments.providers import ADAPTERS
from tenants.registry.models import Tenant

_AS_IS = "Never shown. Empty: as it is."


def _secret(label: str, text: str) -> forms.CharField:
    # `render_value` is off: what was typed is not sent back either.
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, max_length=500, strip=True, widget=widget, help_text=text)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A new account, or changes to one."""

    api_key = _secret("Secret key", _AS_IS)
    webhook_secret = _secret("Webhook signing secret", f"{_AS_IS} The one before stays good for a day.")

    class Meta:
        model = Account
        fields = ("tenant", "provider", "name", "base_url", "company_source", "customer")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provider" in self.fields:
            self.fields["provider"] = forms.ChoiceField(
                choices=[(code, adapter.title) for code, adapter in ADAPTERS.items()], widget=UnfoldAdminSelectWidget
            )
        if "tenant" in self.fields:
            self.fields["tenant"] = forms.ModelChoiceField(
                Tenant.objects.order_by("name"), label="Company", widget=UnfoldAdminSelectWidget
            )
        # Who may only look has a form without fields.
        for name in self.fields.keys() & {"name", "base_url", "company_source", "customer"}:
            self.fields[name].widget = UnfoldAdminTextInputWidget()

    def settings(self) -> AccountSettings:
        """What the form says, for the services."""
        names = ("name", "base_url", "company_source", "customer", "api_key", "webhook_secret")
        return AccountSettings(**{name: self.cleaned_data[name] for name in names})

    def validate_unique(self) -> None:
        """A new account takes the place of the one in use: that is no clash."""

    def _post_clean(self) -> None:
        """The services check what they are told; constraints are for them."""
        self.instance.state = self.instance.state or AccountState.ACTIVE
