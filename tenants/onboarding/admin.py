"""Onboarding in the console: one form, and a page on which one can watch it happen."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from tenants.onboarding.forms import OnboardingForm
from tenants.onboarding.models import OnboardingRun, RunState
from tenants.onboarding.selectors import RunView, progress_of
from tenants.onboarding.services import retry_onboarding, start_onboarding
from tenants.registry.forms import add_errors
from wildrydes.kernel.errors import DomainError

STATE_COLOURS = {
    RunState.RUNNING.label: "info",
    RunState.SUCCEEDED.label: "success",
    RunState.FAILED.label: "danger",
}


@admin.register(OnboardingRun)
class OnboardingRunAdmin(ModelAdmin):
    """Adding one starts an onboarding, looking at one shows its steps, changing one means to try again."""

    list_display = ("company", "shown_state", "tier", "requested_by", "started_at", "finished_at")
    list_filter = ("state", "tenant__tier")
    list_select_related = ("tenant__tier",)
    search_fields = ("tenant__name", "tenant__slug")
    ordering = ("-started_at",)

    @display(description="Company", ordering="tenant__name")
    def company(self, run: OnboardingRun) -> str:
        """The company's name."""
        return str(run.tenant.name)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, run: OnboardingRun) -> str:
        """The state as a coloured label."""
        return str(run.get_state_display())

    @display(description="Tier", ordering="tenant__tier")
    def tier(self, run: OnboardingRun) -> str:
        """The tier that was sold."""
        return str(run.tenant.tier)

    def has_delete_permission(self, request: HttpRequest, obj: OnboardingRun | None = None) -> bool:
        """Never: it is part of the record."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The page's data and its button, before the catch-all of the page itself."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:run_id>/progress/", wrap(self.progress_view), name="onboarding_progress"),
            path("<uuid:run_id>/retry/", wrap(require_POST(self.retry_view)), name="onboarding_retry"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; submitted, it registers the company and goes to the page of the run."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OnboardingForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                run = start_onboarding(**form.cleaned_data, requested_by=request.user.get_username())
            except DomainError as error:
                add_errors(form, error, names={"domain": "own_domain"})
            else:
                self.log_addition(request, run, f"Onboarding of {run.tenant.name} started.")
                return HttpResponseRedirect(self._page(run.id))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Onboard a company",
            "form": form,
        }
        return TemplateResponse(request, "onboarding/start.html", context | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The steps with their states and durations."""
        run = self._visible(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Onboarding of {run.tenant}",
            "run": run,
            "progress_url": reverse("admin:onboarding_progress", args=(run.id,)),
            "retry_url": reverse("admin:onboarding_retry", args=(run.id,)),
            "may_retry": self.has_change_permission(request),
            "tenant_url": self._tenant_page(request, run),
        }
        return TemplateResponse(request, "onboarding/run.html", context | (extra_context or {}))

    def progress_view(self, request: HttpRequest, run_id: UUID) -> JsonResponse:
        """The run as JSON, for the page's script."""
        return JsonResponse(self._visible(request, str(run_id)).as_json(), headers={"Cache-Control": "no-store"})

    def retry_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Go on with a failed run."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            run = retry_onboarding(run_id=run_id)
        except DomainError as error:
            messages.error(request, error.detail)
        else:
            self.log_change(request, run, "Tried again.")
        return HttpResponseRedirect(self._page(run_id))

    def _visible(self, request: HttpRequest, object_id: str) -> RunView:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            run = progress_of(UUID(object_id))
        except ValueError:
            run = None
        if run is None:
            raise Http404("There is no such onboarding.")
        return run

    def _page(self, run_id: UUID) -> str:
        return reverse("admin:onboarding_onboardingrun_change", args=(run_id,))

    def _tenant_page(self, request: HttpRequest, run: RunView) -> str:
        if not (request.user.has_perm("registry.view_tenant") or request.user.has_perm("registry.change_tenant")):
            return ""
        return reverse("admin:registry_tenant_change", args=(run.tenant_id,))
