"""The schedule in the console: jobs are declared in `wildrydes/schedule.py`, and switched off and on here.

The library's own pages are not used: whoever may look at them may also run, enable and disable by their actions, and
whoever may change a row there may send any task with any arguments.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat import admin as the_librarys  # noqa: F401  # registers them
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin

_LIBRARYS = (PeriodicTask, ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule)
# Django loads this app before that one: without the import there would be nothing to take away yet.
admin.site.unregister(_LIBRARYS)


@admin.register(PeriodicTask)
class JobAdmin(ModelAdmin):
    """A job: whether it runs is changed, all else is code."""

    list_display = ("name", "enabled", "interval", "last_run_at", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("interval",)
    search_fields = ("name",)
    ordering = ("name",)
    actions = None
    fields = ("name", "enabled", "interval", "last_run_at", "total_run_count", "date_changed")
    readonly_fields = ("name", "interval", "last_run_at", "total_run_count", "date_changed")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: see the class."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: the scheduler would make it again."""
        return False
