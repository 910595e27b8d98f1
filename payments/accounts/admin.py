"""Payment accounts in the console: set up, change, retire. No key or secret is ever shown."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from audit.services import Actor
from payments.accounts import services
from payments.accounts.directory import webhook_url
from payments.accounts.forms import AccountForm
from payments.accounts.models import Account, AccountState
from payments.providers import ADAPTERS
from wildrydes.kernel.errors import DomainError

_STATE_COLOURS = {"In use": "success", "Retired": "info"}


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """One account per company is in use; a new one retires it."""

    form = AccountForm
    list_display = ("tenant", "shown_provider", "shown_state", "has_key", "has_webhook_secret", "created_at")
    list_filter = ("state", "provider")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "tenant__slug", "name")
    ordering = ("tenant__name", "-created_at")
    actions_detail = ("retire",)
    readonly_fields = ("notified_at", "has_key", "has_webhook_secret", "shown_state", "subscribed_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """Whose it is and where never changes."""
        return (*self.readonly_fields, *(("tenant", "shown_provider") if obj else ()))

    def get_fieldsets(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """What is said of a new one, and what is known of one that is there."""
        told = ("name", "base_url", "company_source", "customer")
        secret = ("Secrets", {"fields": ("api_key", "webhook_secret")})
        if obj is None:
            return ((None, {"fields": ("tenant", "provider", *told)}), secret)
        known = ("shown_state", "has_key", "has_webhook_secret", "notified_at", "subscribed_at", "created_at")
        shown = ((None, {"fields": ("tenant", "shown_provider", *told)}), ("Known", {"fields": known}))
        return (*shown, secret) if self.has_change_permission(request, obj) else shown

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Never: what was charged through it is looked up and refunded there."""
        return False

    @display(description="Provider")
    def shown_provider(self, account: Account) -> str:
        """What people call it."""
        return ADAPTERS[account.provider].title if account.provider in ADAPTERS else account.provider

    @display(description="State", label=_STATE_COLOURS)
    def shown_state(self, account: Account) -> str:
        """As a coloured label."""
        return "In use" if account.state == AccountState.ACTIVE else "Retired"

    @display(description="Secret key", boolean=True)
    def has_key(self, account: Account) -> bool:
        """Whether one is set; more is not shown."""
        return bool(account.api_key_sealed)

    @display(description="Webhook secret", boolean=True)
    def has_webhook_secret(self, account: Account) -> bool:
        """Whether one is set; more is not shown."""
        return bool(account.webhook_secret_sealed)

    @display(description="Notified at")
    def notified_at(self, account: Account) -> str:
        """The address to give to the provider."""
        return webhook_url(account)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Open or change it."""
        actor = Actor.of_user(request.user)
        wanted = form.settings()
        if change:
            services.change_account(account_id=obj.pk, wanted=wanted, actor=actor)
            return
        tenant, provider = form.cleaned_data["tenant"], form.cleaned_data["provider"]
        opened = services.open_account(tenant_id=tenant.pk, provider=provider, wanted=wanted, actor=actor)
        obj.pk, obj.tenant, obj.provider = opened.pk, tenant, provider

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Tell in a message what the services refuse."""
        try:
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as error:
            messages.error(request, error.detail)
            response = HttpResponseRedirect(request.path)
        return response

    def has_retire_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change one that is in use."""
        account = None if object_id is None else self.get_object(request, object_id)
        in_use = account is not None and account.state == AccountState.ACTIVE
        return in_use and self.has_change_permission(request, account)

    @action(description="Retire …", icon="block", permissions=["retire"])
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether, then send no new charge through it."""
        account: Account | None = self.get_object(request, object_id)
        if account is None:
            raise PermissionDenied
        page = reverse("admin:payment_accounts_account_change", args=(object_id,))
        if request.method == "POST":
            try:
                services.retire_account(account_id=account.pk, actor=Actor.of_user(request.user))
            except DomainError as error:
                messages.error(request, error.detail)
            else:
                messages.success(request, "Retired: the company's new charges go through its built-in account.")
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Retire the account of {account.tenant.name}",
            "form": None,
            "verb": "Retire",
            "explanation": "New charges go through the company's built-in account. What was charged through this one is "
            "still looked up and refunded there.",
            "back": page,
        }
        return TemplateResponse(request, "registry/confirm.html", context)
