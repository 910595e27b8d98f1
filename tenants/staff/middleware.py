"""The console's gate: sessions end in time, and nobody passes without the second factor they have or must have."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.identity.models import User
from tenants.staff import selectors, sessions

CONSOLE = "/admin/"


class StaffGate:
    """Runs on the console's paths of the public host, after the session, the user and the messages are there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the request pass, or lead to where it can be made to."""
        if not request.path_info.startswith(CONSOLE) or hasattr(request, "tenant"):
            return self._get_response(request)
        stopped = self._stop(request)
        return self._get_response(request) if stopped is None else stopped

    @staticmethod
    def _stop(request: HttpRequest) -> HttpResponse | None:
        user = request.user
        if not isinstance(user, User):
            return None  # nobody yet: the Admin asks for the password
        # A page that refreshes itself is not somebody who is there.
        over = sessions.why_over(request.session, by_itself="X-Refresh" in request.headers)
        mark, opened_by = selectors.mark_of(user.pk), sessions.factor_of(request.session)
        if not over and opened_by and opened_by != mark:
            over = "You were logged out: your second factor was reset."
        if over:
            logout(request)
            messages.warning(request, over)
            return None if _is(request, "admin:login") else redirect_to_login(_next(request), reverse("admin:login"))
        if mark == opened_by and (mark or not selectors.is_required()):
            return None
        wanted = "staff:verify" if mark else "staff:enrol"
        if _is(request, wanted) or _is(request, "admin:logout"):
            return None
        return HttpResponseRedirect(f"{reverse(wanted)}?next={_next(request)}")


def _is(request: HttpRequest, name: str) -> bool:
    return request.path_info == reverse(name)


def _next(request: HttpRequest) -> str:
    """Where to go on afterwards: a page that was only to be looked at; what was posted is not done again."""
    return request.path_info if request.method in ("GET", "HEAD") else CONSOLE
