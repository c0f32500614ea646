"""Every setting of an installation, read from the environment in one place.

`CATALOGUE` lists what may be set, with one line of explanation each; docs/running.md shows the
same table. A value that cannot be understood stops the start: a typo must not switch off TLS.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from jieli.web import logs, postgres
from jieli.web.pooled import PooledConnection

T = TypeVar("T")


# -- the reader --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    name: str
    default: str
    doc: str


CATALOGUE: list[Setting] = []

_FLAGS = {"1": True, "true": True, "yes": True, "on": True}
_FLAGS |= {"0": False, "false": False, "no": False, "off": False}


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError("write 1 or 0")
    return _FLAGS[text.lower()]


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError("write a number that is not negative")
    return number


def _read(name: str, default: str, doc: str, convert: Callable[[str], T]) -> T:
    CATALOGUE.append(Setting(name, default, doc))
    text = os.environ.get(name, "").strip() or default
    try:
        return convert(text)
    except ValueError as fault:
        raise ImproperlyConfigured(f"{name}={text!r} cannot be used: {fault}.") from None


# -- the place ---------------------------------------------------------------------------------

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parents[1]
IN_CHECKOUT = (CHECKOUT / "pyproject.toml").exists()
_default_home = str(CHECKOUT / "var") if IN_CHECKOUT else "~/.local/share/jieli"

JIELI_HOME = _read(
    "JIELI_HOME",
    _default_home,
    "Folder of everything this installation keeps: database, files, keys.",
    lambda text: Path(text).expanduser().absolute(),
)
# The table in the manual must not name the folder of whoever made it.
CATALOGUE[0] = Setting("JIELI_HOME", "./var, or ~/.local/share/jieli", CATALOGUE[0].doc)

JIELI_DEMO = _read("JIELI_DEMO", "0", "One-click sign-in and story player; never for care.", _flag)
DEBUG = _read("JIELI_DEBUG", "0", "Django's error pages; for development only.", _flag)
ALLOWED_HOSTS = _read(
    "JIELI_ALLOWED_HOSTS",
    "localhost,127.0.0.1,[::1]",
    "Host names under which browsers reach the installation, separated by commas.",
    _words,
)
TLS = _read(
    "JIELI_TLS",
    "0",
    "Browsers arrive by https through a proxy that sets X-Forwarded-Proto; makes cookies secure.",
    _flag,
)
WEB_THREADS = _read(
    "JIELI_WEB_THREADS", "16", "Requests that one web process serves at once.", _count
)
FILES = _read(
    "JIELI_FILES",
    "",
    "Folder for uploaded documents and images; default: files inside JIELI_HOME.",
    lambda text: Path(text).expanduser().absolute() if text else JIELI_HOME / "files",
)

KEYS = _read(
    "JIELI_KEYS",
    "",
    "Folder of the keys that seal numbers and sign roots, the same for all processes; default: keys"
    " inside JIELI_HOME. Keep it apart from the backup of the database.",
    lambda text: Path(text).expanduser().absolute() if text else JIELI_HOME / "keys",
)


def _number_keys(text: str) -> tuple[bytes, ...]:
    """The words of an error must not hold what was given: it is a secret."""
    try:
        if text.startswith("file:"):
            text = Path(text.removeprefix("file:")).read_text()
        found = tuple(base64.b64decode(word, validate=True) for word in re.split(r"[,\s]+", text))
    except OSError as fault:
        why = f"JIELI_NUMBER_KEYS: its file cannot be read ({fault.strerror})."
        raise ImproperlyConfigured(why) from None
    except ValueError:
        found = (b"",)
    found = found if text.strip() else ()
    if any(len(key) != 32 for key in found):
        raise ImproperlyConfigured("JIELI_NUMBER_KEYS: write 32 bytes in base64 for each key.")
    return found


NUMBER_KEYS = _read(
    "JIELI_NUMBER_KEYS",
    "",
    "Keys that seal numbers, given from outside instead of made in the folder: 32 bytes in base64"
    " each, the one that writes first, separated by commas; or file:/path of a file with them.",
    _number_keys,
)


# -- rooms ----------------------------------------------------------------------------------------

SFU_URL = _read(
    "JIELI_SFU_URL",
    "",
    "WebSocket address of a Janus media server for rooms of more than four people; empty: browsers"
    " send to each other. Set by `bin/dev --sfu`.",
    str,
)
SFU_SECRET = _read(
    "JIELI_SFU_SECRET", "", "api_secret and admin_key of that Janus; only the server knows it.", str
)
STUN_URLS = _read(
    "JIELI_STUN_URLS", "", "Addresses (stun:…) that tell browsers how they are reached.", _words
)
TURN_URLS = _read(
    "JIELI_TURN_URLS",
    "",
    "Addresses (turns:…:443) of a relay for browsers behind firewalls.",
    _words,
)
TURN_SECRET = _read(
    "JIELI_TURN_SECRET", "", "static-auth-secret of that coturn; passwords are made of it.", str
)

DUTY_TELEPHONE = _read(
    "JIELI_DUTY_TELEPHONE", "", "Number shown where nobody could sign in or be reached.", str
)
SIGNATURE_PROVIDER = _read(
    "JIELI_SIGNATURE_PROVIDER",
    "jieli.record.signatures.PasswordProvider",
    "Class that proves who signs; the default is a re-entered password, a passkey or a code,"
    " labelled internal.",
    str,
)


# -- who may stay signed in, and for how long -----------------------------------------------------

IDLE_DESK = _read(
    "JIELI_IDLE_DESK",
    "30",
    "Minutes without use until a coordinator, director or administrator is signed out.",
    _count,
)
IDLE_WARD = _read(
    "JIELI_IDLE_WARD", "480", "Minutes without use until a doctor or nurse is signed out.", _count
)
IDLE_EXPERT = _read(
    "JIELI_IDLE_EXPERT",
    "20160",
    "Minutes without use until an expert, or whoever is on duty, is signed out.",
    _count,
)
INVITATION_HOURS = _read(
    "JIELI_INVITATION_HOURS", "72", "Hours for which an invitation's link is valid.", _count
)
OIDC_URL = _read(
    "JIELI_OIDC_URL", "", "Issuer of the hospital's single sign-on (OpenID Connect).", str
)
OIDC_NAME = _read("JIELI_OIDC_NAME", "医院统一登录", "What its button says.", str)
OIDC_CLIENT = _read("JIELI_OIDC_CLIENT", "jieli", "Client id of Jieli there.", str)
OIDC_SECRET = _read("JIELI_OIDC_SECRET", "", "Client secret of Jieli there.", str)
OIDC_CLAIM = _read(
    "JIELI_OIDC_CLAIM",
    "employee_number",
    "Claim that holds the staff number; only administrators there may be able to change it.",
    str,
)


# -- the secret --------------------------------------------------------------------------------


def _secret_key(text: str) -> str:
    """Without one from the environment: generated once, kept in the home, readable by us only."""
    if text:
        return text
    path = JIELI_HOME / "secret-key"
    if not path.exists():
        postgres.make_open_dir(JIELI_HOME)
        draft = path.with_name(f"secret-key.{os.getpid()}")
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)  # fails when another process was first: then theirs counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


SECRET_KEY = _read(
    "SECRET_KEY",
    "",
    "Signs sessions; default: generated once into JIELI_HOME/secret-key.",
    _secret_key,
)


# -- the database ------------------------------------------------------------------------------


# A process of the web or a runner works with fewer rights than the owner of the tables. The
# command line says which it is (jieli.web.manage).
_ROLE = {"web": "jieli_web", "runner": "jieli_runner"}.get(os.environ.get("JIELI_PROCESS", ""), "")


def _database(url: str) -> dict[str, object]:
    base: dict[str, object] = {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0}
    if not url:
        login = {"USER": _ROLE} if _ROLE else {}
        return {**base, **postgres.params(JIELI_HOME), **login, "OPTIONS": {}}
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("write postgresql://user:password@host:port/name")
    query = dict(parse_qsl(parts.query))
    return {
        **base,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A socket folder does not fit before the slash: postgresql:///name?host=/run/postgresql
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": query,
    }


DATABASES = {
    "default": _read(
        "DATABASE_URL",
        "",
        "postgresql://user:password@host:port/name, version 15 to 18; default: the embedded one.",
        _database,
    )
}
EMBEDDED_DATABASE = not os.environ.get("DATABASE_URL", "").strip()
_logins = {
    "jieli_web": _read(
        "JIELI_WEB_DATABASE_URL",
        "",
        "Login of the web processes, a member of jieli_web; default: DATABASE_URL, role set.",
        str,
    ),
    "jieli_runner": _read(
        "JIELI_RUNNER_DATABASE_URL",
        "",
        "Login of the runners, a member of jieli_runner; default: DATABASE_URL, role set.",
        str,
    ),
}
# A process that was stopped, or whose machine left the network, must not keep a case locked: the
# database ends its transaction, and finds out soon that nobody is there.
_PRESENT = (
    "-c idle_in_transaction_session_timeout=15s"
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
if _ROLE:
    if _logins[_ROLE] and not EMBEDDED_DATABASE:
        DATABASES["default"] = _database(_logins[_ROLE])
    # From the first statement on. (Django's "assume_role" and its pool do not work together.)
    _as_role = "" if EMBEDDED_DATABASE else f"-c role={_ROLE} "
    DATABASES["default"]["OPTIONS"] |= {  # type: ignore[operator]
        "options": _as_role + _PRESENT,
        # The same the other way: a database that vanished is noticed after half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
_pool = _read(
    "JIELI_DB_POOL",
    "20",
    "Most connections that one process keeps to PostgreSQL; 0: no pool.",
    _count,
)
if _pool:
    DATABASES["default"]["OPTIONS"] |= {  # type: ignore[operator]
        # Short: the pool's own wait between two tries doubles up to minutes, and would go on
        # after the database has come back. Whoever asks next tries anew instead.
        "pool": {
            "min_size": 1,
            "max_size": _pool,
            "timeout": 4,
            "max_idle": 300,
            "reconnect_timeout": 1,
            "connection_class": PooledConnection,
        }
    }
# After a restart of the database a dead connection is replaced, not handed out.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"] |= {"connect_timeout": 5}  # type: ignore[operator]


# -- the application ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "jieli.web",
    "jieli.stories",
    "jieli.exchange",
    "jieli.pager",
    "jieli.missions",
    "jieli.guidance",
    "jieli.cases",
    "jieli.rooms",
    "jieli.lectures",
    "jieli.chart",
    "jieli.live",
    "jieli.notify",
    "jieli.record",
    "jieli.directory",
    "jieli.keys",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "jieli.web.logs.request_id",
    "jieli.web.metrics.timed",
    "jieli.web.headers.security",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jieli.web.headers.Pages",
    "jieli.web.middleware.instant",
    "jieli.web.middleware.said_redirects",
    "jieli.web.signin.middleware.Sessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "jieli.web.middleware.person",
    "jieli.web.signin.middleware.sessions",
    "jieli.web.signin.middleware.StepUp",
    "jieli.web.middleware.presence",
    "jieli.web.middleware.visit",  # from here on: one transaction, one person's rows
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "jieli.web.middleware.Refusals",
    "jieli.web.middleware.Idempotency",  # last: its transaction is the action's own
]

ROOT_URLCONF = "jieli.web.urls"
WSGI_APPLICATION = "jieli.web.wsgi.application"
ASGI_APPLICATION = "jieli.web.asgi.application"
AUTH_USER_MODEL = "directory.Account"
LOGIN_URL = "/signin/"
LOGIN_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# django-allauth does the work behind our own pages; addresses and templates of it are not used.
ACCOUNT_ADAPTER = "jieli.web.signin.adapters.Accounts"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_ADAPTER = "jieli.web.signin.adapters.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Jieli"
MFA_TRUST_ENABLED = True
MFA_TRUST_COOKIE_NAME = "jieli_trust"
MFA_TRUST_COOKIE_AGE = timedelta(hours=12)
MFA_TRUST_COOKIE_SECURE = TLS
MFA_TRUST_COOKIE_SAMESITE = "Lax"
SOCIALACCOUNT_ADAPTER = "jieli.web.signin.adapters.SingleSignOn"
SOCIALACCOUNT_LOGIN_ON_GET = True  # a form could not be sent on to another host under our policy
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 8
_hospital = {
    "provider_id": "hospital",
    "name": OIDC_NAME,
    "client_id": OIDC_CLIENT,
    "secret": OIDC_SECRET,
    "settings": {"server_url": OIDC_URL, "oauth_pkce_enabled": True},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [_hospital] if OIDC_URL else []}}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jieli.web.context.page",
            ]
        },
    }
]

# -- ways out: without a gateway nobody's phone rings at night -----------------------------------

JIELI_GATEWAY_URL = _read(
    "JIELI_GATEWAY_URL", "", "HTTP gateway for SMS and voice calls; empty: none.", str
)
JIELI_GATEWAY_TOKEN = _read(
    "JIELI_GATEWAY_TOKEN", "", "Bearer token of the gateway; also signs its call-backs.", str
)
JIELI_PUBLIC_URL = _read(
    "JIELI_PUBLIC_URL", "http://127.0.0.1:8000", "Where people and the gateway reach us.", str
)
EMAIL_HOST = _read("JIELI_SMTP_HOST", "", "SMTP server for e-mail; empty: no e-mail.", str)
EMAIL_PORT = _read("JIELI_SMTP_PORT", "587", "Port of the SMTP server.", _count)
EMAIL_HOST_USER = _read("JIELI_SMTP_USER", "", "Account at the SMTP server.", str)
EMAIL_HOST_PASSWORD = _read("JIELI_SMTP_PASSWORD", "", "Password at the SMTP server.", str)
EMAIL_USE_TLS = _read("JIELI_SMTP_TLS", "1", "Use STARTTLS towards the SMTP server.", _flag)
DEFAULT_FROM_EMAIL = _read("JIELI_MAIL_FROM", "jieli@localhost", "Sender of e-mail messages.", str)
EMAIL_TIMEOUT = 8

# -- the pager watches itself ------------------------------------------------------------------

PROBE_TELEPHONE = _read(
    "JIELI_PROBE_TELEPHONE",
    "",
    "Echo number of the gateway: it reports `ringing` or `answered`; rung and written to each "
    "minute. Empty: test rings end at our own receiver.",
    str,
)
PROBE_MESSENGER = _read(
    "JIELI_PROBE_MESSENGER",
    "",
    "Address (wecombot://, dingtalk://, feishu://, lark://) of a robot that takes a test message "
    "each minute; empty: our own receiver.",
    str,
)
PROBE_MAIL = _read(
    "JIELI_PROBE_MAIL",
    "",
    "Mailbox that takes a test mail each minute; empty: our own receiver.",
    str,
)
PROBE_URL = _read(
    "JIELI_PROBE_URL",
    "",
    "Where a runner follows the live stream to try the ring on an open page; default: "
    "JIELI_PUBLIC_URL, which also tries the proxy.",
    lambda text: text or JIELI_PUBLIC_URL,
)
ALARM_TO = _read(
    "JIELI_ALARM_TO",
    "",
    "Who is told that the pager is ill, separated by commas: mail addresses, telephone numbers "
    "(a call), sms:number, messenger addresses.",
    _words,
)
METRICS_TOKEN = _read(
    "JIELI_METRICS_TOKEN",
    "",
    "Bearer token of /metrics; empty: answered only to this machine itself, not through a proxy.",
    str,
)

# -- language and time: stored in UTC, shown in the zone that the person chose ------------------

LANGUAGE_CODE = _read(
    "JIELI_LANGUAGE", "zh-hans", "Language before a person chose: zh-hans or en.", str
)
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"JIELI_LANGUAGE={LANGUAGE_CODE!r} cannot be used: zh-hans or en.")
LOCALE_PATHS = [PACKAGE / "web" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# -- files -------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = JIELI_HOME / "static"
MEDIA_ROOT = FILES
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # `jieli serve` collects and compresses at its start: no step that somebody can forget.
    "staticfiles": {"BACKEND": "jieli.web.shell.Storage"},
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 0 if DEBUG else 300  # then asked again by date: an upgrade shows at once
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000  # without files; uploads are streamed to disk
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_HANDLERS = ["jieli.chart.store.receive.LimitedUpload"]

# -- safety ------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"] if TLS else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS else None
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if TLS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
        "form-action 'self'",
    )
)

# -- logs --------------------------------------------------------------------------------------

LOG_LEVEL = _read("JIELI_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.", str.upper)
LOGGING = logs.configuration(LOG_LEVEL)
