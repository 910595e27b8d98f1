"""The Celery application. Lower layers use `celery.current_app`; only entry points import this module."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wildrydes.settings")

app = Celery("wildrydes")
app.set_default()  # for every thread, not only the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["messaging"])
