"""Settings of the bare Django application."""

import os
from urllib.parse import unquote

import environ

SECRET_KEY = "bench"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench._bare_django"
INSTALLED_APPS: list[str] = []
MIDDLEWARE: list[str] = []
USE_TZ = True
_database = environ.Env.db_url_config(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(str(_database["HOST"])),
        "CONN_MAX_AGE": 300,
        "OPTIONS": {"options": f"-c search_path={os.environ['BENCH_SCHEMA']},public"},
    }
}
