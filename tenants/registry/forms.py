"""Forms of the console for tenants, and how a use case's refusal gets back into a form."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.registry.models import Domain, Tenant
from tenants.registry.naming import check_company_name, check_features, check_own_domain
from tenants.registry.services import LONGEST_REASON
from wildrydes.kernel.errors import DomainError

_T = TypeVar("_T")


def add_errors(form: forms.BaseForm, error: DomainError, names: dict[str, str] | None = None) -> None:
    """Put what a use case refused beside the fields it names; `names` translates its pointers where the form differs."""
    placed = False
    for entry in error.errors:
        pointed = entry["pointer"].removeprefix("/")
        field = (names or {}).get(pointed, pointed)
        if field in form.fields:
            form.add_error(field, entry["detail"])
            placed = True
    if not placed:
        form.add_error(None, error.detail)


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """What staff may change of a tenant."""

    class Meta:
        model = Tenant
        fields = ("name", "tier", "brand_name", "brand_colour", "brand_logo_url", "features")

    def clean_name(self) -> str:
        """The company's name, in one spelling."""
        return _checked(check_company_name, self.cleaned_data["name"])

    def clean_features(self) -> dict[str, bool]:
        """Flags with a name and yes or no."""
        return _checked(check_features, self.cleaned_data.get("features") or {})


class DomainForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A domain that a company brings."""

    class Meta:
        model = Domain
        fields = ("domain",)

    def clean_domain(self) -> str:
        """A host name that this tenant may have."""
        domain: str = self.cleaned_data["domain"]
        if self.instance.pk and domain == self.instance.domain:
            return domain
        return _checked(
            lambda value: check_own_domain(value, slug=self.instance.tenant.slug, public_domain=settings.PUBLIC_DOMAIN),
            domain,
        )


class ReasonForm(forms.Form):
    """Why a company is suspended."""

    reason = forms.CharField(
        min_length=3,
        max_length=LONGEST_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="The company may ask. It is kept with the tenant and in the history.",
    )


def _checked(check: Callable[[Any], _T], value: object) -> _T:
    """The rule's answer, its refusal as a form understands it."""
    try:
        return check(value)
    except DomainError as error:
        raise forms.ValidationError(error.detail) from error
