"""What is the same everywhere; dev, test and production only say what differs."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from platform_config import env

BASE_DIR = env.ROOT

# --- What is installed -------------------------------------------------------------------------------------------

# One set of tables for the whole platform, in the schema `public`. contenttypes and auth are here only (N3).
SHARED_APPS = [
    "tenants",
    # Only models, cryptography and the conversation with providers are used of allauth: no URL, page or form of it.
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "shared_apps.accounts",
    "django_tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.admin",
    "guardian",
    "rest_framework",
    "dj_rest_auth",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "django_structlog",
    "import_export",
    "csp",
    "corsheaders",
    "shared_apps.core",
    "shared_apps.people",
    "shared_apps.departures",
    "shared_apps.billing",
    "shared_apps.operators",
    "api",
    "platform_config",
]
# One set of tables in each tenant's schema.
TENANT_APPS = [
    "tenant_apps.activity",
    "tenant_apps.staff",
    "tenant_apps.consents",
    "tenant_apps.events",
    "tenant_apps.ticketing",
    "tenant_apps.catalog",
    "tenant_apps.customers",
    "tenant_apps.promotions",
    "tenant_apps.orders",
    "tenant_apps.payments",
    "tenant_apps.reviews",
    "tenant_apps.notifications",
    "tenant_apps.onboarding",
    "tenant_apps.webhooks",
    "tenant_apps.imports",
    "tenant_apps.reports",
]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]

MIDDLEWARE = [
    "platform_config.headers.SecurityHeadersMiddleware",
    "tenants.middleware.KnownHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "platform_config.observability.RequestIdMiddleware",
    "api.gate.InputGateMiddleware",
    "platform_config.health.HealthMiddleware",
    "platform_config.certificates.CertificateAskMiddleware",
    "api.kept.PublicReadsMiddleware",
    "api.door.ScansMiddleware",
    "tenants.middleware.TenantMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "shared_apps.accounts.middleware.SignInMiddleware",
    "shared_apps.operators.middleware.ImpersonationMiddleware",
    "tenants.middleware.LocaleMiddleware",
    "platform_config.observability.RequestLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "api.refusals.RefusalRecordMiddleware",
    "api.errors.RefusalMiddleware",
]

# --- Tenants -----------------------------------------------------------------------------------------------------

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
# Where apps below the tenants ask for absolute addresses, as they ask TENANT_MODEL for the row.
TENANT_LINKS = "tenants.links"
PUBLIC_SCHEMA_URLCONF = "platform_config.urls_public"
ROOT_URLCONF = "platform_config.urls_tenant"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
# Tenants' hosts are subdomains of this one; the platform's own site is on it.
PLATFORM_DOMAIN = env.text("PLATFORM_DOMAIN", "localhost")
# What stands behind the host in links: ":8000" in development, nothing behind a gateway.
PLATFORM_PORT = env.text("PLATFORM_PORT", "")
PLATFORM_SCHEME = "https"
TENANT_CACHE_SECONDS = 30
# A connection that has been in more schemas is closed between two requests or tasks: its memory grows with each.
SCHEMAS_PER_CONNECTION = env.number("SCHEMAS_PER_CONNECTION", 100)

# How many proxies in front append to X-Forwarded-For; 0 believes none of it (N1).
PROXY_HOPS = env.number("PROXY_HOPS", 0)

# --- The database and the cache ----------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "tenants.postgresql",
        **env.database(env.text("DATABASE_URL", "postgres://foyer@127.0.0.1:5432/foyer")),
        "CONN_MAX_AGE": env.number("CONN_MAX_AGE", 300),
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"NAME": "test_foyer"},
    }
}
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    # P5, M2: no statement of a request runs for long, no row is waited for longer than 3 s; every session is UTC.
    # A word with a letter too few is half like the right one (shared_apps.core.search).
    "-c statement_timeout=10s -c lock_timeout=3s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
    " -c pg_trgm.word_similarity_threshold=0.5",
)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", "5")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_URL = env.text("CACHE_URL", "redis://127.0.0.1:6379/1")
CACHES = {
    # A tenant's own entries: the key carries the schema (N4).
    "default": {
        "BACKEND": "shared_apps.core.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
        "KEY_PREFIX": "foyer",
    },
    # Limits on sign-in and the like, and the version of the tenants' table: one for all hosts (N4, I8).
    "global": {
        "BACKEND": "shared_apps.core.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "foyer-global",
    },
}

# --- People ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["shared_apps.accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "shared_apps.accounts.validators.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
]
PASSWORD_RESET_TIMEOUT = 3600
# How long the platform's audit trail is kept; tenants keep theirs.
PLATFORM_AUDIT_DAYS = env.number("PLATFORM_AUDIT_DAYS", 400)
# How long an organizer who wants to leave may still take that back; then everything of theirs is erased.
TENANT_CLOSING_DAYS = env.number("TENANT_CLOSING_DAYS", 30)
# How long the archive lies ready that an organizer asked for.
TENANT_EXPORT_DAYS = env.number("TENANT_EXPORT_DAYS", 7)
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/account/"

# The second factor, and signing in through others (docs/decisions/0014-sign-in.md).
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
MFA_ADAPTER = "shared_apps.accounts.allauth_adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Foyer"
MFA_TOTP_TOLERANCE = 1  # a code of the half minute before or after is taken: clocks differ
SOCIALACCOUNT_ADAPTER = "shared_apps.accounts.allauth_adapters.ProvidersAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"APPS": env.identity_providers(), "OAUTH_PKCE_ENABLED": True},
}

# guardian: grants on single objects only, in tables of their own with real foreign keys; nobody anonymous (I3).
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "AUDIENCE": "foyer",
    "ISSUER": "foyer",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "UPDATE_LAST_LOGIN": False,  # a write on the one table that all tenants share (citus.md, rule 2)
}
# Our views are dj-rest-auth's with these serializers (docs/decisions/0007-accounts.md). Its own cookies stay without a
# name: ours are set where the caller asks for them. rest_framework.authtoken is not used.
REST_AUTH = {
    "LOGIN_SERIALIZER": "api.v1.accounts.serializers.LoginSerializer",
    "JWT_SERIALIZER": "api.v1.accounts.serializers.TokensSerializer",
    "USER_DETAILS_SERIALIZER": "api.v1.accounts.serializers.UserSerializer",
    "REGISTER_SERIALIZER": "api.v1.accounts.serializers.RegistrationSerializer",
    "PASSWORD_CHANGE_SERIALIZER": "api.v1.accounts.serializers.PasswordChangeSerializer",
    "PASSWORD_RESET_SERIALIZER": "api.v1.accounts.serializers.PasswordResetSerializer",
    "PASSWORD_RESET_CONFIRM_SERIALIZER": "api.v1.accounts.serializers.ResetConfirmSerializer",
    "OLD_PASSWORD_FIELD_ENABLED": True,
    "LOGOUT_ON_PASSWORD_CHANGE": True,
    "SESSION_LOGIN": False,
    "TOKEN_MODEL": None,
    "USE_JWT": True,
}

# --- Cookies and headers (I6, P6) --------------------------------------------------------------------------------

SESSION_COOKIE_NAME = "__Host-django"
CSRF_COOKIE_NAME = "__Host-csrf"
ACCESS_COOKIE_NAME = "__Host-session"
REFRESH_COOKIE_NAME = "__Host-refresh"
LANGUAGE_COOKIE_NAME = "__Host-language"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "api.errors.csrf_failure"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = "global"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
# Which origins may, each tenant says (`api.cors`). Credentials never: other sites bring a token, not our cookies.
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = (
    "accept authorization content-type idempotency-key x-idempotency-key if-none-match if-match x-cart-token"
    " x-order-secret x-request-id accept-language"
).split()
CORS_EXPOSE_HEADERS = (
    "etag location retry-after ratelimit ratelimit-policy idempotent-replayed x-cart-token x-request-id"
    " bundle-signature"
).split()
CORS_PREFLIGHT_MAX_AGE = 600

# --- Language and time -------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ru", "Русский")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Templates and static files ----------------------------------------------------------------------------------

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tenants.context_processors.tenant",
            ],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = env.home() / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = env.home() / "media"
MEDIA_URL = "/media/"
# Where backups of single tenants lie: better on another disk than the database.
BACKUP_ROOT = Path(env.text("BACKUP_ROOT", str(env.home() / "backups")))
# So long the backups of a tenant that was erased are there still, for an erasure that was a mistake.
BACKUP_DAYS_AFTER_ERASE = env.number("BACKUP_DAYS_AFTER_ERASE", 30)
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS += ["django.forms"]
SHARED_APPS += ["django.forms"]

# --- Mail --------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Foyer <no-reply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# What a domain must name in its SPF record for our servers to send in its name, and by which key they sign, if they do.
MAIL_SPF_INCLUDE = env.text("MAIL_SPF_INCLUDE", PLATFORM_DOMAIN)
MAIL_DKIM_SELECTOR = env.text("MAIL_DKIM_SELECTOR", "")
# Who is asked about a tenant's DNS records, as "address" or "address:port"; none: the machine's own resolvers.
DNS_SERVERS = env.words("DNS_SERVERS")

# --- Background work ---------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# What differs between Valkey and RabbitMQ.
globals().update(env.broker(CELERY_BROKER_URL))
CELERY_TASK_ACKS_LATE = True
# A task that took its process along (memory, a fault below Python) is not given out again at once: it would take one
# process after the other, several a second. What it was for is a row, and the sweep comes back for it (G3).
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_TASK_TIME_LIMIT = 50
CELERY_TASK_IGNORE_RESULT = True
# Celery would open a new connection for each task; what becomes of one, each task says (tenants.tasks).
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_TASK_DEFAULT_QUEUE = "default"
# Whether a tenant's messages leave soon or may take their time, each message says (tenant_apps.activity.queues).
CELERY_TASK_ROUTES = {
    "tenants.heartbeat": {"queue": "urgent"},
    "imports.*": {"queue": "bulk"},
    "tenants.write_backup": {"queue": "bulk"},
    "tenants.put_back": {"queue": "bulk"},
    "orders.retain": {"queue": "bulk"},
    "billing.take_up": {"queue": "default"},
    "billing.sweep": {"queue": "default"},
    "billing.*": {"queue": "bulk"},
    "operators.*": {"queue": "bulk"},
    "reports.*": {"queue": "bulk"},
    "people.*": {"queue": "bulk"},
    "departures.export": {"queue": "bulk"},
    "webhooks.forget_old": {"queue": "bulk"},
    "notifications.send_message": {"queue": "bulk"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# When an entry ran last is written at once: operators read it, and a beat that was killed knows it when it is back.
CELERY_BEAT_SYNC_EVERY = 1
CELERY_TASK_TENANT_CACHE_SECONDS = 30
DJANGO_CELERY_BEAT_TZ_AWARE = True

# So many workers at most deliver one tenant's messages of one queue at once; 0 is as many as there are (N7).
OUTBOX_WORKERS_PER_TENANT = env.number("OUTBOX_WORKERS_PER_TENANT", 1)
# Tenants that one worker process visits at once in a tick, each with a connection of its own.
VISIT_HANDS = env.number("VISIT_HANDS", 3)

# --- The API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.BearerAuthentication",
        "api.authentication.TokenAuthentication",
        "api.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.Declared"],
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "api.schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["api.throttles.PerCaller"],
    "EXCEPTION_HANDLER": "api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "NON_FIELD_ERRORS_KEY": "",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Foyer API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["api.schema.of_version_one"],
    "ENUM_NAME_OVERRIDES": {
        "CheckStateEnum": "shared_apps.core.checkup.STATES",
        "TenantStateEnum": "shared_apps.operators.overview.STATE_NAMES",
        "TenantStatusEnum": "tenants.models.Tenant.Status",
        "SubscriptionStatusEnum": "shared_apps.billing.subscription_models.Subscription.Status",
        "FailedWorkKindEnum": "shared_apps.operators.failed_work.KIND_NAMES",
        "EventStatusEnum": "tenant_apps.events.models.Event.Status",
        "OrderStatusEnum": "tenant_apps.orders.models.Order.Status",
        "WaitingStatusEnum": "tenant_apps.orders.waiting_models.WaitingEntry.Status",
        "ReviewReportReasonEnum": "tenant_apps.reviews.models.ReviewReport.Reason",
        "FavouriteKindEnum": ["event", "product"],
        "ReviewStatusEnum": "tenant_apps.reviews.models.Review.Status",
        "TicketStatusEnum": "tenant_apps.ticketing.models.Ticket.Status",
        "PermissionEnum": "api.schema.permission_names",
        "EventPermissionEnum": "api.schema.event_permission_names",
        "TenantKindEnum": "tenants.models.Tenant.Kind",
        "ScanReasonEnum": "tenant_apps.ticketing.scanning.REASONS",
        "ProfileReportReasonEnum": "shared_apps.people.models.ProfileReport.Reason",
        "ProfileDecisionEnum": "shared_apps.people.models.ProfileReport.Decision",
        "DataRequestStatusEnum": "shared_apps.people.models.DataRequest.Status",
        "DeliveryKindEnum": "tenant_apps.catalog.models.DeliveryMethod.Kind",
        "ScanResultEnum": "tenant_apps.ticketing.models.CheckIn.Result",
        "VoucherKindEnum": "tenant_apps.promotions.models.Voucher.Kind",
        "EventAttendanceEnum": "tenant_apps.events.models.Event.Attendance",
        "SegmentAttendanceEnum": ["all", "checked_in", "not_checked_in"],
        "SegmentOrdersEnum": ["paid", "pending", "cancelled"],
        "MessageStatusEnum": "tenant_apps.notifications.message_models.Message.Status",
        "MassRefundStatusEnum": "tenant_apps.payments.models.MassRefund.Status",
        "StatementStatusEnum": "tenant_apps.payments.models.Statement.Status",
        "TestOutcomeEnum": ["succeed", "decline", "pending"],
        "LineKindEnum": ["ticket", "product"],
    },
}
API_RATE_PER_MINUTE = 600
# How many callers at their full rate one tenant's API answers (N7); strangers beyond them wait for the next minute.
TENANT_CALLERS = env.number("TENANT_CALLERS", 100)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- Watching ----------------------------------------------------------------------------------------------------

# --- Payment providers: where they are (P4: never from a tenant's data) ------------------------------------------

STRIPE_API_BASE = env.text("STRIPE_API_BASE", "https://api.stripe.com")
PAYPAL_API_BASE = env.text("PAYPAL_API_BASE", "https://api-m.paypal.com")
PAYPAL_SANDBOX_BASE = env.text("PAYPAL_SANDBOX_BASE", "https://api-m.sandbox.paypal.com")
FREEDOMPAY_API_BASE = env.text("FREEDOMPAY_API_BASE", "https://api.freedompay.kz")
# The platform's own Stripe account, that tenants connect theirs to, and its part of each payment in percent.
STRIPE_PLATFORM_KEY = env.text("STRIPE_PLATFORM_KEY", "")
# What Stripe signs connected accounts' messages with (/api/v1/billing/webhooks/stripe-connect/); two while it changes.
STRIPE_CONNECT_WEBHOOK_SECRET = env.text("STRIPE_CONNECT_WEBHOOK_SECRET", "")
# What Stripe signs messages about the platform's own customers with (/api/v1/billing/webhooks/stripe/); likewise.
STRIPE_BILLING_WEBHOOK_SECRET = env.text("STRIPE_BILLING_WEBHOOK_SECRET", "")
PLATFORM_FEE_PERCENT = env.text("PLATFORM_FEE_PERCENT", "0")

# --- Messages: where their carriers are (P4), and what one organizer may send --------------------------------------

# The service that takes text messages over HTTP; empty: none are sent. docs/guides/text-messages.md says what it takes.
SMS_API_BASE = env.text("SMS_API_BASE", "")
# How many parts of text messages one organizer may set as its own daily limit at most.
SMS_MOST_PARTS_A_DAY = env.number("SMS_MOST_PARTS_A_DAY", 5000)
# Messages to ticket holders: how many an organizer may start in a day, and to how many people together.
MESSAGES_A_DAY = env.number("MESSAGES_A_DAY", 50)
MESSAGE_PEOPLE_A_DAY = env.number("MESSAGE_PEOPLE_A_DAY", 100_000)
# Servers ("127.0.0.1:8099", "localhost:*") that calls to addresses of tenants may reach although they are not public;
# read from the environment in development only (shared_apps.core.outgoing).
OUTGOING_OWN_SERVERS: list[str] = []

SENTRY_DSN = env.text("SENTRY_DSN", "")
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")

# --- Live boards -----------------------------------------------------------------------------------------------------

# How many streams of server-sent events a web process may have open: each holds one of its threads. 0: boards ask.
LIVE_STREAMS = env.number("LIVE_STREAMS", 1)
# Shorter than the server's grace of 8 seconds: a stop waits for what runs and cuts nothing off (P5).
LIVE_STREAM_SECONDS = 7
# Django calls it with LOGGING when it starts: in web, worker, beat and commands alike.
LOGGING_CONFIG = "platform_config.observability.configure_logging"
LOGGING = {"level": LOG_LEVEL}

DEVELOPMENT = False
# A folder of armed points (shared_apps.core.faults); read from the environment in development only.
FAULT_POINTS = ""
WSGI_APPLICATION = "platform_config.wsgi.application"
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # User.email is unique by its small letters, through a constraint that this check does not see
    "guardian.W001",  # rights are asked by staff.permissions.allowed(), which no global backend may short-cut (I3)
]
