"""The page on which an invited person chooses a password: server-rendered, in the company's colours, without scripts."""

import secrets
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from tenants.identity.errors import InvitationNotValid
from tenants.identity.selectors import open_invitation
from tenants.identity.services import accept_invitation
from tenants.registry.directory import TenantRef
from wildrydes.kernel.errors import InvalidInput

_NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password = forms.CharField(max_length=256, strip=False, widget=_NEW_PASSWORD)
    repeated = forms.CharField(max_length=256, strip=False, widget=_NEW_PASSWORD)

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        cleaned = super().clean() or {}
        if "password" in cleaned and "repeated" in cleaned and cleaned["password"] != cleaned["repeated"]:
            self.add_error("repeated", "The two passwords are not the same.")
        return cleaned


class InvitationPage(View):
    """`/invitations/<token>/` on a tenant's host. Looking at it changes nothing: mail scanners follow links too."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The form, or a word that the invitation is not valid any more."""
        try:
            invitation = open_invitation(token=token)
        except InvitationNotValid:
            return _page(request, "identity/invitation_closed.html", {}, status=404)
        return _page(request, "identity/invitation.html", {"form": PasswordForm(), "user": invitation.user})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Accept, or say what is wrong with the password."""
        form = PasswordForm(request.POST)
        try:
            invitation = open_invitation(token=token)
            if form.is_valid():
                user = accept_invitation(token=token, password=form.cleaned_data["password"])
                return _page(request, "identity/invitation_accepted.html", {"user": user})
        except InvitationNotValid:
            return _page(request, "identity/invitation_closed.html", {}, status=404)
        except InvalidInput as error:
            for wrong in error.errors:
                form.add_error("password", wrong["detail"])
        context = {"form": form, "user": invitation.user}
        return _page(request, "identity/invitation.html", context, status=422)


def _page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The page with headers that keep its address, which is a secret, to itself."""
    tenant: TenantRef = request.tenant  # type: ignore[attr-defined]  # set by the middleware
    nonce = secrets.token_urlsafe(16)
    branding = {
        "brand": tenant.brand_name,
        "logo": tenant.brand_logo_url,
        "colour": tenant.brand_colour,
        "text_colour": readable_on(tenant.brand_colour),
        "nonce": nonce,
    }
    response = render(request, template, {**branding, **context}, status=status)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"  # with "no-referrer" browsers post `Origin: null`, which CSRF refuses
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src https:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return response


def readable_on(colour: str) -> str:
    """Black or white, whichever has the higher contrast on `colour` (#rrggbb), by WCAG 2.2's relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # White has the contrast 1.05 / (L + 0.05), black (L + 0.05) / 0.05: equal at L = 0.179.
    return "#000000" if luminance > 0.179 else "#ffffff"
