"""Support staff in the console. Tenants' users live in their own schemas and are managed by their own administrators."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants.identity.models import User

admin.site.unregister(Group)


class StaffCreationForm(UserCreationForm):
    """A new member of staff, by e-mail address."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        """Addresses are stored in lower case."""
        return str(self.cleaned_data["email"]).strip().lower()


class StaffChangeForm(UserChangeForm):
    """A member of staff."""

    class Meta:
        model = User
        fields = "__all__"

    clean_email = StaffCreationForm.clean_email


@admin.register(User)
class StaffAdmin(StockUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """Members of staff. Whoever manages them gives no more than they have themselves, and touches nobody who has more.

    Roles are groups; single permissions and superusers are for superusers to give.
    """

    form = StaffChangeForm
    add_form = StaffCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "name", "is_staff", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What this member of staff may only look at."""
        powers = () if _is_superuser(request) else ("is_superuser", "user_permissions")
        return (*self.readonly_fields, *powers)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Of the groups, those whose every permission one has oneself."""
        if db_field.name == "groups" and not _is_superuser(request):
            more = Permission.objects.exclude(id__in=_held_by(request.user))
            options["queryset"] = Group.objects.exclude(permissions__in=more)
        return super().formfield_for_manytomany(db_field, request, **options)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may do more is not changed by who may do less: a new password would be a way to become them."""
        return bool(super().has_change_permission(request, obj)) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return bool(super().has_delete_permission(request, obj)) and _may_touch(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _may_touch(request: HttpRequest, staff: User | None) -> bool:
    if staff is None or _is_superuser(request):
        return True
    return not staff.is_superuser and not _held_by(staff).exclude(id__in=_held_by(request.user)).exists()


def _held_by(staff: Any) -> QuerySet[Permission]:
    """What somebody may do, or could if they were active."""
    return Permission.objects.filter(Q(user=staff.pk) | Q(group__user=staff.pk)).order_by()


@admin.register(Group)
class GroupAdmin(StockGroupAdmin, ModelAdmin):
    """Roles of staff."""
