"""One settings file, driven by the environment.

Local mode (no DATABASE_URL): embedded PostgreSQL, a generated secret and plain HTTP on this machine.
Server mode (DATABASE_URL set): PEP_SECRET_KEY and PEP_HOSTS are required, cookies and redirects are HTTPS.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from pep import kernels, logs, postgres

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("PEP_DATA", BASE_DIR / ".data")).resolve()
DATABASE_URL = os.environ.get("DATABASE_URL", "")
LOCAL = not DATABASE_URL
# Read by numba when it is first imported; compiled once, then shared by every process.
os.environ.setdefault("NUMBA_CACHE_DIR", str(kernels.cache_folder(BASE_DIR, DATA_DIR)))


def flag(name: str, *, default: bool) -> bool:
    """An on/off variable: 1, true, yes, on."""
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def required(name: str, why: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {why}")
    return value


def time_zone(name: str, default: str) -> str:
    value = os.environ.get(name) or default
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ImproperlyConfigured(f"{name}: {value} is not a time zone name, such as Europe/Berlin.") from error
    return value


def local_secret() -> str:
    """This machine's own secret, made once and kept beside the embedded database."""
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked: of two that start together one wins, and nobody reads half a secret.
        fd, aside = tempfile.mkstemp(dir=DATA_DIR)
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(aside, path)
        Path(aside).unlink()
    return path.read_text()


DEBUG = flag("PEP_DEBUG", default=False)
SECRET_KEY = os.environ.get("PEP_SECRET_KEY") or (
    local_secret() if LOCAL else required("PEP_SECRET_KEY", "a long random string that signs sessions.")
)
# Old secrets stay here for good: erased people are known again by codes made with them (distributors/gone.py).
SECRET_KEY_FALLBACKS = [old for old in os.environ.get("PEP_SECRET_KEY_FALLBACKS", "").split(",") if old]
ALLOWED_HOSTS = [h for h in os.environ.get("PEP_HOSTS", "").split(",") if h] or (
    ["localhost", "127.0.0.1", "[::1]"] if LOCAL else [required("PEP_HOSTS", "the host names people use, by commas.")]
)
HTTPS = flag("PEP_HTTPS", default=not LOCAL)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if HTTPS and host != "*"]

INSTALLED_APPS = [
    "distributors",
    "kpis",
    "activities",
    "notifications",
    "pep",
    "unfold.apps.BasicAppConfig",
    "pep.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "django_q",
    "pgtrigger",
    "pghistory",
    "csp",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "pep.middleware.harden",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pep.logs.RequestLog",
    "pep.middleware.fragments",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pep.middleware.no_nul",
    "pep.middleware.History",
    "pep.middleware.desk_clock",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "pep.urls"
WSGI_APPLICATION = "pep.wsgi.application"
AUTH_USER_MODEL = "distributors.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    }
]

DATABASES = {
    "default": dj_database_url.parse(
        DATABASE_URL or postgres.url(DATA_DIR),
        conn_max_age=int(os.environ.get("PEP_CONN_MAX_AGE", "600")),
        conn_health_checks=True,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What the field reads at the top of every page.
COMPANY_NAME = os.environ.get("PEP_COMPANY", "YouSystem")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "pep" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
# Dates of lists and forms as the pages of our own write them.
FORMAT_MODULE_PATH = "pep.formats"
# What staff who chose no zone of their own read times in (distributors/zones.py). Everything is kept in UTC.
DESK_TIME_ZONE = time_zone("PEP_DESK_TIME_ZONE", TIME_ZONE)

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Files of the library. No server hands them out by their path: views do, after asking who may see them.
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_HANDLERS = [
    "activities.library.uploads.Cut",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "pep.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# The company makes the accounts and answers for their addresses.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = None
# allauth's own rate limits stand (sign-in 30 a minute and address, 5 failures in 5 minutes and account); the
# address is the connection's unless proxies are declared, so that a forged X-Forwarded-For changes nothing.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("PEP_PROXIES", "0"))
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "PEP"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS

# Shared by the web processes: rate limits count in one place. Several machines share a Redis.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]}
    if os.environ.get("REDIS_URL")
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": DATA_DIR / "cache"}
}

# At-least-once: every task takes integer ids, is idempotent and returns None (reliability.md).
Q_CLUSTER = {
    "name": "pep",
    **({"redis": os.environ["PEP_REDIS"]} if os.environ.get("PEP_REDIS") else {"orm": "default"}),
    "workers": int(os.environ.get("PEP_WORKERS", "2")),
    "timeout": 300,
    "retry": 3600,
    "max_attempts": 5,
    "queue_limit": 8,
    "bulk": 1,
    "poll": 0.2,
    "save_limit": -1,
    "catch_up": False,
    "label": "Queue",
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# The largest form is the builder of a rule: two trees of up to 40 conditions, each with up to 50 ticked values and about ten
# other fields, within 20,000 characters (distributors/conditions/tree.py). Django's own 1,000 would answer with a bare 400.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
# Probes come from inside, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("PEP_BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = logs.config(as_json=os.environ.get("PEP_LOG", "console" if LOCAL else "json") == "json")

# The audit notes who and where for writes only; reads keep their plain SQL.
PGHISTORY_MIDDLEWARE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

UNFOLD = {
    "SITE_TITLE": format_lazy("{} {}", COMPANY_NAME, _("HQ")),
    "SITE_HEADER": format_lazy("{} {}", COMPANY_NAME, _("HQ")),
    "SITE_ICON": lambda _request: static("icons/mark.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("icons/mark.svg")},
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda _request: static("css/desk.css"), lambda _request: static("css/hq.css")],
    "ACCOUNT": {"navigation": "pep.site.account_links"},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "pep.site.menu"},
}
