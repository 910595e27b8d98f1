"""Django's settings. Everything that differs between machines comes from the environment (see .env.example).

Where a variable is missing, `var/secrets.env` and `var/stack.env` are read: the development stack writes its addresses there,
so that a `manage.py` command in a second terminal talks to the same servers.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured

from wildrydes.configuration.api import (
    REST_FRAMEWORK,
    SPECTACULAR_SETTINGS,
)
from wildrydes.configuration.broker import broker_url, transport_options, transport_setting
from wildrydes.configuration.console import (
    AXES_CLIENT_IP_CALLABLE,
    AXES_COOLOFF_TIME,
    AXES_ENABLE_ADMIN,
    AXES_FAILURE_LIMIT,
    AXES_LOCKOUT_CALLABLE,
    AXES_LOCKOUT_PARAMETERS,
    AXES_RESET_ON_SUCCESS,
    AXES_USERNAME_CALLABLE,
    AXES_USERNAME_FORM_FIELD,
    AXES_VERBOSE,
    UNFOLD,
)
from wildrydes.configuration.journal import journal_settings, retention_settings
from wildrydes.configuration.numbers import seconds, whole
from wildrydes.configuration.payments import payment_breaker, payment_retries, payment_room
from wildrydes.configuration.staff import second_factor, session_seconds
from wildrydes.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
VAR_DIR = Path(env.str("WILDRYDES_VAR", default=str(BASE_DIR / "var")))
for name in ("secrets.env", "stack.env"):
    if (VAR_DIR / name).is_file():
        environ.Env.read_env(VAR_DIR / name, overwrite=False)


def _required(variable: str) -> str:
    value = str(env.str(variable, default=""))
    if not value:
        raise ImproperlyConfigured(
            f"{variable} is not set: start the stack with `make up`, or set it in the environment (.env.example)."
        )
    return value


ENVIRONMENT = env.str("ENVIRONMENT", default="production")
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _required("SECRET_KEY")
FIELD_ENCRYPTION_KEY = _required("FIELD_ENCRYPTION_KEY")

# The host under which support staff work; tenants' default addresses are subdomains of it.
PUBLIC_DOMAIN = env.str("PUBLIC_DOMAIN", default="localhost")
# The address people and links use: scheme and, where it is not the default, the port.
PUBLIC_SCHEME = env.str("PUBLIC_SCHEME", default="https" if ENVIRONMENT == "production" else "http")
PUBLIC_PORT = env.int("PUBLIC_PORT", default=env.int("PORT", default=443 if PUBLIC_SCHEME == "https" else 80))
# Tenants bring domains of their own: our middleware answers 404 to every host that is not a tenant's.
ALLOWED_HOSTS = ["*"]
# A proxy of ours ends TLS and writes X-Forwarded-Proto and X-Forwarded-For; without one these headers are anybody's claim.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)

SHARED_APPS = [
    # Before django_tenants, whose own front page of the Admin would win otherwise.
    "console",
    "unfold",
    "django_tenants",
    "audit",
    "tenants.registry",
    "messaging",
    "messaging.journal",
    "tenants.identity",
    "tenants.staff",
    "tenants.onboarding",
    "fleet",
    "payments.accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
TENANT_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tenants.identity",
    "tenants.accounts",
    "api",
    "messaging.journal",
    "payments",
    "payments.ledger",
    "payments.reconciliation",
    "rfq",
    "bookings",
    "loyalty",
    "notifications",
]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS]

TENANT_MODEL = "registry.Tenant"
TENANT_DOMAIN_MODEL = "registry.Domain"
# One SET search_path per change of tenant; django-tenants 4 forgets it on rollback and reconnect.
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

ROOT_URLCONF = "wildrydes.urls_tenant"
PUBLIC_SCHEMA_URLCONF = "wildrydes.urls_public"
WSGI_APPLICATION = "wildrydes.wsgi.application"

MIDDLEWARE = [
    "api.metrics.MetricsMiddleware",
    "wildrydes.middleware.CorrelationMiddleware",
    # Before the host is looked at: probes come from anywhere.
    "api.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "wildrydes.middleware.StaticFilesMiddleware",
    "tenants.registry.middleware.TenantMiddleware",
    # The API does without these; they run on the console's paths only.
    "wildrydes.middleware.ConsoleSessionMiddleware",
    "wildrydes.middleware.ConsoleCsrfMiddleware",
    "wildrydes.middleware.ConsoleAuthenticationMiddleware",
    "wildrydes.middleware.ConsoleMessageMiddleware",
    "tenants.staff.middleware.StaffGate",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wildrydes.middleware.ConsoleAxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_database = environ.Env.db_url_config(_required("DATABASE_URL"))
DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": unquote(str(_database["HOST"])),  # a socket's folder arrives percent-encoded
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=300),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # A peer that is gone without a word is noticed within 15 s, in the middle of an answer or in between.
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 15_000,
            "application_name": env.str("PROCESS_NAME", default="wildrydes"),
            # A statement that nobody waits for any more must not hold locks for ever (milliseconds).
            "options": "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000",
        },
    },
}
# How long a process that serves waits for an answer; longer than statement_timeout, whose words are better.
DATABASE_ANSWER_SECONDS = 40.0
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = _required("REDIS_URL")
_transport = transport_setting(env)
CELERY_BROKER_URL = broker_url(_transport, REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(_transport)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# A lost worker's row is taken over by its lease; Celery's own redelivery would only be a second copy.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Three messages per task that nobody reads: a tool that wants them (Flower does) turns them on while it looks.
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# What is printed is meant to be read: the console's e-mails, whose links the log would mask.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_CREATE_MISSING_QUEUES = True
# Keep a worker's database connection from task to task; messaging.tasks checks its health, CONN_MAX_AGE recycles it.
CELERY_DB_REUSE_MAX = 1_000
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

MESSAGING: dict[str, Any] = {
    "TRANSPORT": _transport,  # fairqueue, or redis for Celery's own
    "TOPOLOGY": "wildrydes.topology.TOPOLOGY",
    "SCHEDULE": "wildrydes.schedule.JOBS",
    "HEALTH": ["tenants.onboarding.health.schemas"],
    "WATCHES": ["rfq.watching.close_overdue"],
    "LEASE_SECONDS": seconds(env, "MESSAGING_LEASE_SECONDS", default=30.0, least=1, most=3_600),
    "SEND_TIMEOUT_SECONDS": 0.05,
    "SWEEP_INTERVAL_SECONDS": seconds(env, "MESSAGING_SWEEP_INTERVAL_SECONDS", default=0.2, least=0.01, most=60),
    "RESEND_BACKOFF_SECONDS": (10, 20, 40, 80, 160, 300),
    "RESEND_UP_TO": 1_000,
    "STRANDED_AFTER_SECONDS": 86_400,
    "ROUTING_GRACE_SECONDS": 30,
    "WORKER_GRACE_SECONDS": seconds(env, "WORKER_GRACE_SECONDS", default=10.0, least=0, most=3_600),
}

JOURNAL = journal_settings(env, VAR_DIR)
RETENTION = retention_settings(env)

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Attempts to log in to a tenant; tenants.identity.throttling says who counts where.
LOGIN_THROTTLE = {"address": "300/5minutes", "stranger": "10/15minutes", "familiar": "10/5minutes"}
LOGIN_URL = "admin:login"
STAFF_SECOND_FACTOR = second_factor(env, environment=ENVIRONMENT)
STAFF_SESSION_IDLE_SECONDS, STAFF_SESSION_ABSOLUTE_SECONDS = session_seconds(env).values()
SESSION_COOKIE_AGE = STAFF_SESSION_ABSOLUTE_SECONDS
SESSION_COOKIE_SAMESITE = "Lax"
LOGIN_REDIRECT_URL = "admin:index"

API = {
    "PREFER_WAIT_MAX_SECONDS": 20,
    # Of the server's threads in one process, how many may be held by clients that wait.
    "PREFER_WAIT_MAX_WAITERS": whole(
        env, "PREFER_WAIT_MAX_WAITERS", default=max(1, env.int("WEB_THREADS", default=8) // 2), least=0, most=1_000
    ),
}

# Ten minutes at most: nothing but its expiry ends an access token.
ACCESS_TOKEN_LIFETIME = timedelta(minutes=min(10, max(1, env.int("ACCESS_TOKEN_MINUTES", default=10))))
ACCESS_TOKEN_ALGORITHM = env.str("ACCESS_TOKEN_ALGORITHM", default="EdDSA")  # of the next key made; or RS256
ACCESS_TOKEN_AUDIENCE = "api"  # noqa: S105  # a name, not a secret
_port = "" if PUBLIC_PORT in (80, 443) else f":{PUBLIC_PORT}"
ACCESS_TOKEN_ISSUER = env.str("ACCESS_TOKEN_ISSUER", default=f"{PUBLIC_SCHEME}://{PUBLIC_DOMAIN}{_port}")
REFRESH_TOKEN_LIFETIME = timedelta(days=14)
INVITATION_LIFETIME = timedelta(days=7)
# The library's own default would sign with SECRET_KEY; our tokens bring their own keys (tenants.registry.keys).
SIMPLE_JWT = {"ALGORITHM": "EdDSA", "SIGNING_KEY": "", "USER_ID_CLAIM": "sub"}

EMAIL_TIMEOUT = 10  # seconds
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"Wild Rydes <no-reply@{PUBLIC_DOMAIN}>")

PAYMENT_PROVIDER_URL: str = env.str("PAYMENT_PROVIDER_URL", default="")
PAYMENT_PROVIDER_TIMEOUT_SECONDS = seconds(env, "PAYMENT_PROVIDER_TIMEOUT_SECONDS", default=8.0, least=0.1, most=60)
PAYMENT_BREAKER_FAILURES, PAYMENT_BREAKER_OPEN_SECONDS = payment_breaker(env)
PAYMENT_CALLS_PER_ACCOUNT, PAYMENT_CALLS_IN_ALL = payment_room(env)
PAYMENT_RETRIES_PER_SECOND, PAYMENT_RETRY_PERCENT = payment_retries(env)
UNICORNS_URL = env.str("UNICORNS_URL", default="")
# Addresses that outbound HTTP may reach although they are not public: `host-or-CIDR[:port]`, separated by commas.
OUTBOUND_ALLOW = env.str("OUTBOUND_ALLOW", default="")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = ENVIRONMENT != "production"
WHITENOISE_AUTOREFRESH = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_SCHEME == "https"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_config(
    as_json=env.bool("LOG_JSON", default=ENVIRONMENT == "production"), level=env.str("LOG_LEVEL", default="INFO")
)

# Ours is a subclass that runs on the console's paths only; axes looks for its own by name.
SILENCED_SYSTEM_CHECKS = ["axes.W002"]
