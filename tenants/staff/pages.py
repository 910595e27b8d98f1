"""The pages on which staff set up, use and look after their second factor. Without scripts; the QR code is drawn here."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenants.identity.models import User
from tenants.staff import domain, selectors, services, sessions
from tenants.staff.errors import AlreadyEnrolled, NotEnrolled, TooManyCodes
from tenants.staff.forms import CodeForm
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.errors import DomainError

_GET_AND_POST = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@login_required
@_GET_AND_POST
def verify(request: HttpRequest) -> HttpResponse:
    """The second step of logging in."""
    user, form = _user(request), CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            factor = services.check_code(user=user, code=form.cleaned_data["code"], now=utcnow())
        except DomainError as error:
            return _refused(request, "verify", form, error)
        sessions.opened_by(request.session, selectors.mark_of(user.pk))
        if factor is services.Factor.RECOVERY:
            _tell_what_is_left(request, user)
        return HttpResponseRedirect(_after(request))
    return _page(request, "verify", {"form": form})


@never_cache
@login_required
@_GET_AND_POST
def enrol(request: HttpRequest) -> HttpResponse:
    """Set up: scan, type one code, keep the recovery codes."""
    user, form = _user(request), CodeForm(request.POST or None)
    try:
        secret = services.begin_enrolment(user=user, afresh=request.method != "POST")
        if request.method == "POST" and form.is_valid():
            codes = services.confirm_enrolment(user=user, code=form.cleaned_data["code"], now=utcnow())
            sessions.opened_by(request.session, selectors.mark_of(user.pk))
            return _page(request, "recovery_codes", {"codes": codes, "after": _after(request)})
    except AlreadyEnrolled:
        return HttpResponseRedirect(reverse("staff:manage"))
    except DomainError as error:
        return _refused(request, "enrol", form, error, **_drawn(secret, user))
    return _page(request, "enrol", {"form": form, **_drawn(secret, user)})


@never_cache
@login_required
def manage(request: HttpRequest) -> HttpResponse:
    """What one has, and what can be done about it."""
    found = selectors.second_factor_of(_user(request).pk)
    if found is None:
        return HttpResponseRedirect(reverse("staff:enrol"))
    return _page(request, "manage", {"found": found, "is_required": selectors.is_required(), "form": CodeForm()})


@never_cache
@login_required
@require_http_methods(["POST"])
def renew(request: HttpRequest) -> HttpResponse:
    """New recovery codes, for a code: whoever finds an open session must not take the keys along."""
    user = _user(request)
    try:
        _check_again(request, user)
        codes = services.renew_recovery_codes(user=user)
    except DomainError as error:
        return _sent_back(request, error)
    return _page(request, "recovery_codes", {"codes": codes, "after": reverse("staff:manage")})


@never_cache
@login_required
@require_http_methods(["POST"])
def remove(request: HttpRequest) -> HttpResponse:
    """Go without, for a code; where it is required, only to set up another one."""
    user = _user(request)
    try:
        _check_again(request, user)
        services.remove_second_factor(user=user)
    except DomainError as error:
        return _sent_back(request, error)
    sessions.opened_by(request.session, "")
    messages.success(request, "Your second factor was removed.")
    return HttpResponseRedirect(reverse("staff:enrol" if selectors.is_required() else "admin:index"))


def _check_again(request: HttpRequest, user: User) -> None:
    form = CodeForm(request.POST)
    services.check_code(user=user, code=form.cleaned_data["code"] if form.is_valid() else "", now=utcnow())


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  # login_required
    return request.user


def _after(request: HttpRequest) -> str:
    """Where to go on; another site's address is nobody's wish."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("admin:index")


def _drawn(secret: str, user: User) -> dict[str, Any]:
    address = domain.address_for(secret, account=user.email, issuer=f"Wild Rydes {settings.PUBLIC_DOMAIN}")
    picture = segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=3)
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return {"picture": mark_safe(picture), "secret": grouped}  # noqa: S308  # drawn by us from letters and digits


def _refused(request: HttpRequest, page: str, form: CodeForm, error: DomainError, **more: Any) -> HttpResponse:
    if isinstance(error, NotEnrolled):
        return HttpResponseRedirect(reverse("staff:enrol"))
    form.add_error("code", error.detail)
    response = _page(request, page, {"form": form, **more}, status=error.status)
    if isinstance(error, TooManyCodes) and error.retry_after is not None:
        response["Retry-After"] = str(int(error.retry_after) + 1)
    return response


def _sent_back(request: HttpRequest, error: DomainError) -> HttpResponse:
    messages.error(request, error.detail)
    return HttpResponseRedirect(reverse("staff:manage"))


def _tell_what_is_left(request: HttpRequest, user: User) -> None:
    found = selectors.second_factor_of(user.pk)
    left = found.recovery_codes_left if found else 0
    messages.warning(request, f"You used a recovery code; {left} are left. Make new ones on the page Second factor.")


def _page(request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    titles = {"verify": "Second step", "enrol": "Set up a second factor", "manage": "Second factor"}
    everywhere = admin.site.each_context(request) if name == "manage" else {"site_title": admin.site.site_title}
    given = {**everywhere, "title": titles.get(name, "Recovery codes"), **context}
    return render(request, f"staff/{name}.html", given, status=status)
