"""Second factors in the console: who has one, and taking one away that was lost."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from audit.services import Actor
from tenants.identity.models import User
from tenants.registry.forms import add_errors
from tenants.staff.forms import ReasonForm
from tenants.staff.models import Authenticator
from tenants.staff.services import reset_second_factor
from wildrydes.kernel.errors import DomainError


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):
    """Looked at, and reset; never added or edited: its owner sets it up."""

    list_display = ("user", "shown_state", "confirmed_at", "last_used_at", "failures", "locked_until")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    ordering = ("user__email",)
    fields = ("user", "confirmed_at", "last_used_at", "failures", "locked_until", "created_at")
    readonly_fields = fields
    actions_detail = ("reset",)

    @display(description="State", label={"in use": "success", "not confirmed": "warning"})
    def shown_state(self, held: Authenticator) -> str:
        """Whether it counts."""
        return "in use" if held.confirmed_at else "not confirmed"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never by itself: it is reset, with a reason. It goes with its owner, whose deletion asks here too."""
        match = request.resolver_match
        return match is not None and str(match.url_name).startswith("identity_user_")

    def has_reset_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever has the permission; a superuser's is reset by superusers only, or it would be a way to become one."""
        held = None if object_id is None else self.get_object(request, object_id)
        if held is None or not isinstance(request.user, User) or not request.user.has_perm("staff.reset_authenticator"):
            return False
        return request.user.is_superuser or not held.user.is_superuser

    @action(description="Reset …", icon="lock_reset", permissions=["reset"])
    def reset(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then take it away."""
        held = self.get_object(request, object_id)
        if held is None:
            raise Http404
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and isinstance(request.user, User):
            try:
                reset_second_factor(
                    user=held.user, actor=Actor.of_user(request.user), reason=form.cleaned_data["reason"]
                )
            except DomainError as error:
                add_errors(form, error)
            else:
                messages.success(request, f"Reset. {held.user} sets up a new second factor at the next login.")
                return HttpResponseRedirect(reverse("admin:staff_authenticator_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Reset the second factor of {held.user}",
            "explanation": "Their sessions end. Whoever knows their password can set up a new second factor: "
            "be sure that it is them who ask.",
            "verb": "Reset",
            "form": form,
            "back": reverse("admin:staff_authenticator_change", args=(held.pk,)),
        }
        return TemplateResponse(request, "registry/confirm.html", context)
