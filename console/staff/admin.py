"""Refused logins in the console. Removing one lets the person try again at once.

The library's own page is not used: its action is there for everybody who may look (`AXES_ENABLE_ADMIN`).
"""

from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from console.readonly import ReadOnlyAdmin


@admin.register(AccessAttempt)
class RefusedLoginAdmin(ModelAdmin):
    """Who is failing to log in from where. What was typed is not shown."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("attempt_time", "username", "ip_address", "user_agent", "path_info", "failures_since_start")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessAttempt | None = None) -> bool:
        """Never."""
        return False


@admin.register(AccessLog)
class LoginAdmin(ReadOnlyAdmin):
    """Who logged in from where."""

    list_display = ("attempt_time", "username", "ip_address", "logout_time")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("attempt_time", "username", "ip_address", "user_agent", "path_info", "logout_time")
    show_full_result_count = False
