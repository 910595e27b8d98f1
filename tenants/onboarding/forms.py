"""The one form that makes a tenant."""

from typing import Any

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenants.registry.models import Tier
from wildrydes.kernel.money import CURRENCIES


def _tiers() -> list[tuple[str, str]]:
    return [(tier.code, tier.name) for tier in Tier.objects.order_by("requests_per_minute")]


class OnboardingForm(forms.Form):
    """What has to be known of a company. The rules are the services'; here only what a browser can help with."""

    name = forms.CharField(
        label="Company name",
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True, "placeholder": "Acme Travel"}),
        help_text="What the company's people read. Nobody else may have it, whatever the case.",
    )
    slug = forms.CharField(
        label="Short name",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "acme-travel", "autocapitalize": "none"}),
    )
    tier = forms.ChoiceField(choices=_tiers, widget=UnfoldAdminSelectWidget())
    currency = forms.ChoiceField(
        choices=[(code, code) for code in CURRENCIES],
        widget=UnfoldAdminSelectWidget(),
        help_text="What the company is billed in. It cannot be changed later.",
    )
    email = forms.EmailField(
        label="First user's e-mail",
        widget=UnfoldAdminEmailInputWidget(attrs={"placeholder": "rita@acme.com"}),
        help_text="They become the company's administrator and are invited to choose a password.",
    )
    user_name = forms.CharField(
        label="First user's name", max_length=100, required=False, widget=UnfoldAdminTextInputWidget()
    )
    own_domain = forms.CharField(
        label="Own domain",
        max_length=253,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "rides.acme.com", "autocapitalize": "none"}),
        help_text="Optional: a host name the company brings, beside the one it gets from us.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].help_text = (
            "3 to 40 letters a-z, digits and hyphens. It becomes part of the company's address, as in "
            f"acme-travel.{settings.PUBLIC_DOMAIN}; it cannot be changed later."
        )
