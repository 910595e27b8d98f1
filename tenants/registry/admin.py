"""Tiers and tenants in the console. Signing keys are not shown: nothing about them is for eyes."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from tenants.registry import services
from tenants.registry.forms import DomainForm, ReasonForm, TenantForm, add_errors
from tenants.registry.models import Domain, Tenant, TenantStatus, Tier
from wildrydes.kernel.errors import DomainError

STATUS_COLOURS = {
    TenantStatus.ACTIVE.label: "success",
    TenantStatus.ONBOARDING.label: "info",
    TenantStatus.SUSPENDED.label: "warning",
    TenantStatus.FAILED.label: "danger",
}


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    """Policies are edited; which tiers there are is fixed, because queues and workers are made per tier."""

    list_display = (
        "name",
        "requests_per_minute",
        "max_backlog",
        "service_level_seconds",
        "booking_deadline_seconds",
        "worker_share",
        "max_in_work",
        "payment_failure_outcome",
    )
    readonly_fields = ("code",)
    fieldsets = (
        (None, {"fields": ("code", "name")}),
        ("Admission", {"fields": ("requests_per_minute", "max_backlog")}),
        ("Promises", {"fields": ("service_level_seconds", "booking_deadline_seconds")}),
        ("Fairness", {"fields": ("worker_share", "max_in_work")}),
        (
            "Payment",
            {
                "fields": (
                    "payment_failure_outcome",
                    "store_credit_limit_minor",
                    "store_credit_user_limit_minor",
                )
            },
        ),
        (
            "Cancelling",
            {"fields": ("free_cancellation_minutes", "late_cancellation_fee_percent", "no_show_fee_percent")},
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: see the class."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        """Never: see the class."""
        return False

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        """Store the policies."""
        services.save_tier(obj)


class DomainInline(TabularInline):
    """The host names of a tenant; the primary one stays as it is."""

    model = Domain
    form = DomainForm
    extra = 0
    fields = ("domain", "is_primary")
    readonly_fields = ("is_primary",)
    verbose_name = "domain of its own"
    verbose_name_plural = "domains"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A domain is added or removed, never rewritten."""
        return False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change the tenant."""
        return bool(request.user.has_perm("registry.change_tenant"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may change the tenant."""
        return bool(request.user.has_perm("registry.change_tenant"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may see the tenant."""
        return bool(request.user.has_perm("registry.view_tenant") or request.user.has_perm("registry.change_tenant"))


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):
    """Companies: branding, flags, domains, and whether they are served. New ones come from onboarding."""

    form = TenantForm
    inlines = (DomainInline,)
    list_display = ("name", "slug", "tier", "shown_status", "currency", "created_at")
    list_filter = ("status", "tier", "currency")
    list_select_related = ("tier",)
    search_fields = ("name", "slug", "domains__domain")
    ordering = ("name",)
    readonly_fields = (
        *("slug", "schema_name", "status", "currency", "created_at", "suspended_at", "suspended_reason"),
        *("processing_paused_at", "processing_paused_reason"),
    )
    actions_detail = ("suspend", "reactivate")
    fieldsets = (
        (None, {"fields": ("name", "tier", "status", "suspended_at", "suspended_reason")}),
        ("Work", {"fields": ("processing_paused_at", "processing_paused_reason")}),
        ("Branding", {"fields": ("brand_name", "brand_colour", "brand_logo_url")}),
        ("Behaviour", {"fields": ("features",)}),
        ("Fixed", {"fields": ("slug", "schema_name", "currency", "created_at")}),
    )

    @display(description="Status", ordering="status", label=STATUS_COLOURS)
    def shown_status(self, tenant: Tenant) -> str:
        """The status as a coloured label."""
        return str(tenant.get_status_display())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: a tenant is made by onboarding."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Never: rides and bills outlive a contract."""
        return False

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """Store what was changed."""
        services.save_tenant(obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Add and remove domains."""
        formset.save(commit=False)
        for domain in formset.deleted_objects:
            services.remove_domain(domain)
        for domain in formset.new_objects:
            services.add_domain(tenant=form.instance, domain=domain.domain)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Tell in a message what the services refuse after the form has passed (somebody else was quicker)."""
        try:
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            messages.error(request, error.detail)
            response = HttpResponseRedirect(request.path)
        return response

    def has_suspend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change a tenant that is active."""
        return self._may_switch(request, object_id, TenantStatus.ACTIVE)

    def has_reactivate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change a tenant that is suspended."""
        return self._may_switch(request, object_id, TenantStatus.SUSPENDED)

    def _may_switch(self, request: HttpRequest, object_id: str | None, status: TenantStatus) -> bool:
        tenant = None if object_id is None else self.get_object(request, object_id)
        return tenant is not None and tenant.status == status and self.has_change_permission(request, tenant)

    @action(description="Suspend …", icon="block", permissions=["suspend"])
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then close admission."""
        tenant = self._tenant(request, object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                services.suspend_tenant(slug=tenant.slug, reason=form.cleaned_data["reason"])
            except DomainError as error:
                add_errors(form, error)
            else:
                return self._done(request, tenant, f"Suspended: {form.cleaned_data['reason']}")
        return self._confirm(
            request,
            tenant,
            form=form,
            verb="Suspend",
            explanation="Nothing new is admitted: requests are answered with 403 within seconds. Rides that were accepted "
            "go on to their end.",
        )

    @action(description="Reactivate …", icon="check_circle", permissions=["reactivate"])
    def reactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether, then open admission."""
        tenant = self._tenant(request, object_id)
        if request.method == "POST":
            try:
                services.reactivate_tenant(slug=tenant.slug)
            except DomainError as error:
                messages.error(request, error.detail)
                return HttpResponseRedirect(self._page(tenant))
            return self._done(request, tenant, "Reactivated")
        return self._confirm(
            request, tenant, form=None, verb="Reactivate", explanation="Its users are let in again within seconds."
        )

    def _tenant(self, request: HttpRequest, object_id: str) -> Tenant:
        tenant: Tenant | None = self.get_object(request, object_id)
        if tenant is None:
            raise PermissionDenied
        return tenant

    def _page(self, tenant: Tenant) -> str:
        return reverse("admin:registry_tenant_change", args=(tenant.pk,))

    def _done(self, request: HttpRequest, tenant: Tenant, what: str) -> HttpResponse:
        self.log_change(request, tenant, what)
        messages.success(request, f"{tenant.name}: {what.partition(':')[0].lower()}.")
        return HttpResponseRedirect(self._page(tenant))

    def _confirm(
        self, request: HttpRequest, tenant: Tenant, *, form: ReasonForm | None, verb: str, explanation: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{verb} {tenant.name}",
            "form": form,
            "verb": verb,
            "explanation": explanation,
            "suspended_reason": tenant.suspended_reason,
            "back": self._page(tenant),
        }
        return TemplateResponse(request, "registry/confirm.html", context)
