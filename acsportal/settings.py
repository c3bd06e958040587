"""Every setting of the portal. Each name is explained in docs/operations.md and stands in .env.example."""

import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from acsportal import env, logs
from acsportal.speech import recognisers
from calls.operations.process import PROCESS_ID

BASE_DIR = Path(__file__).resolve().parent.parent
# Variables of the environment win over those of the file.
environ.Env.read_env(os.environ.get("ENV_FILE") or str(BASE_DIR / ".env"))
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var")))

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY")
# The address under which browsers and Azure reach this portal; callback and socket URLs are built from it.
_public = env.address("PUBLIC_URL", "http://localhost:8000")
PUBLIC_URL = _public.geturl()
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or sorted({str(_public.hostname), "localhost", "127.0.0.1"})
# Web pages that may open dashboard sockets and post forms. Azure's sockets send no Origin and are checked by token.
ALLOWED_ORIGINS = env.words("ALLOWED_ORIGINS") or sorted(
    {f"{_public.scheme}://{_public.netloc}"}
    | (
        {f"http://{host}:{_public.port or 80}" for host in ("localhost", "127.0.0.1")}
        if _public.scheme == "http"
        else set()
    )
)
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS

# --- Azure Communication Services ------------------------------------------------------------------------------------
ACS_ENDPOINT = env.text("ACS_ENDPOINT", "")
ACS_ACCESS_KEY = env.text("ACS_ACCESS_KEY", "")
ACS_RESOURCE_ID = env.text("ACS_RESOURCE_ID", "")
ACS_ISSUER = env.text("ACS_ISSUER", "https://acscallautomation.communication.azure.com")
ACS_OIDC_URL = env.text(
    "ACS_OIDC_URL",
    "https://acscallautomation.communication.azure.com/calling/.well-known/acsopenidconfiguration",
)
ACS_TOKEN_CHECK = cast(
    Literal["enforce", "log", "off"], env.choice("ACS_TOKEN_CHECK", "enforce", ("enforce", "log", "off"))
)
# Your number that outbound calls come from, when a call names none.
ACS_CALLER_NUMBER = env.text("ACS_CALLER_NUMBER", "")
# The Azure AI service that transcribes calls; it must be connected to the resource.
ACS_AI_ENDPOINT = env.text("ACS_AI_ENDPOINT", "")
EVENT_GRID_SECRET = env.text("EVENT_GRID_SECRET", "")

# --- Streams ---------------------------------------------------------------------------------------------------------
STREAM_LEAD_MS = env.number("STREAM_LEAD_MS", 200, 40, 2_000)
STREAM_KEEP_S = env.number("STREAM_KEEP_S", 30, 1, 300)
STREAM_DRAIN_S = env.number("STREAM_DRAIN_S", 3_600, 0, 86_400)
STREAM_SOUND_KEEP_DAYS = env.number("STREAM_SOUND_KEEP_DAYS", 30, 1, 3_650)
# --- Caps: what a call may not exceed --------------------------------------------------------------------------------
CALLS_AT_ONCE = env.number("CALLS_AT_ONCE", 500, 1, 100_000)
STREAM_IDLE_S = env.number("STREAM_IDLE_S", 60, 5, 3_600)
CALL_LONGEST_S = env.number("CALL_LONGEST_S", 4 * 3_600, 60, 86_400)

SPEECH_ENGINE = env.text("SPEECH_ENGINE", "streaming.engines.espeak.Espeak")
SPEECH_VOICE = env.text("SPEECH_VOICE", "en-us")
SPEECH_AZURE_KEY = env.text("SPEECH_AZURE_KEY", "")
SPEECH_AZURE_REGION = env.text("SPEECH_AZURE_REGION", "")
SPEECH_AZURE_ENDPOINT = env.service("SPEECH_AZURE_ENDPOINT")
SPEECH_OPENAI_KEY = env.text("SPEECH_OPENAI_KEY", "")
SPEECH_OPENAI_URL = env.service("SPEECH_OPENAI_URL", "wss://api.openai.com/v1/realtime")
SPEECH_OPENAI_MODEL = env.text("SPEECH_OPENAI_MODEL", "gpt-live-transcribe")
SPEECH_RECOGNISERS = recognisers(env.words("SPEECH_RECOGNISERS") or None, globals())
SPEECH_VOICES = env.number("SPEECH_VOICES", 4, 1, 50)
SPEECH_RECOGNISER_DEFAULT = env.text("SPEECH_RECOGNISER_DEFAULT", "")
if SPEECH_RECOGNISER_DEFAULT and SPEECH_RECOGNISER_DEFAULT not in SPEECH_RECOGNISERS:
    raise ImproperlyConfigured(
        f"SPEECH_RECOGNISER_DEFAULT is {SPEECH_RECOGNISER_DEFAULT}, which is not offered. See SPEECH_RECOGNISERS."
    )
# Several portal processes share the cores; a single one may use them all.
SPEECH_WORKERS = env.number("SPEECH_WORKERS", 1 if env.text("REDIS_URL", "") else min(64, os.cpu_count() or 1), 1, 64)
RECORDING_START_DEFAULT = env.choice("RECORDING_START_DEFAULT", "later", ("now", "later"))
RECORDING_DIR = Path(env.text("RECORDING_DIR", str(VAR_DIR / "recording")))
RECORDING_SENSITIVE_S = env.number("RECORDING_SENSITIVE_S", 120, 5, 3_600)
# Where finished recordings go.
RECORDING_STORAGE = env.choice("RECORDING_STORAGE", "local", ("local", "azure"))
RECORDING_AZURE_CONTAINER = env.text("RECORDING_AZURE_CONTAINER", "recordings")
RECORDING_AZURE_ACCOUNT = env.text("RECORDING_AZURE_ACCOUNT", "")
RECORDING_AZURE_CONNECTION_STRING = env.text("RECORDING_AZURE_CONNECTION_STRING", "")

# --- Django ----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "channels",
    "acsportal",  # before django_tasks_db, whose db_worker it makes show signs of life
    "django_tasks",
    "django_tasks_db",
    "django_structlog",
    "calls",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "calls.operations.requests.RequestIds",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "acsportal.urls"
ASGI_APPLICATION = "acsportal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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


def _database() -> dict[str, Any]:
    url = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'acsportal.sqlite3'}")
    if not url.startswith(("sqlite:", "postgres:", "postgresql:")):
        known = "sqlite:///path/to/file or postgres://user:password@host:5432/name"
        raise ImproperlyConfigured(f"DATABASE_URL is of no kind that the portal knows; it must look like {known}.")
    found: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if found["ENGINE"] == "django.db.backends.sqlite3":
        found["OPTIONS"] = {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        # Tests in a file, not in memory: threads and processes must see one database.
        found["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    elif found["ENGINE"] == "django.db.backends.postgresql":
        found["CONN_MAX_AGE"] = 0
        # The pool tries a connection before it hands it out: after a restart of the server all of them are dead.
        found["CONN_HEALTH_CHECKS"] = True
        # Its pauses double as long as it tries by itself; who asks anew after it gave up makes it try at once. So the
        # portal is back within seconds of its database, however long that was away, and says 503 in good time.
        found["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 16, "timeout": 4, "reconnect_timeout": 3}}
    return found


DATABASES = {"default": _database()}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", "")
if REDIS_URL:
    CHANNEL_LAYERS: dict[str, Any] = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": env.text("REDIS_PREFIX", "acs")},
        }
    }
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": env.text("REDIS_PREFIX", "acs"),
        }
    }
else:
    # Its members would leave their groups after a day, and with them every live view of the process.
    never_s = 10 * 365 * 86_400
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 1_000, "group_expiry": never_s},
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "wall"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(VAR_DIR / "media")))
MEDIA_URL = "/media-not-served/"


def _recordings() -> dict[str, Any]:
    if RECORDING_STORAGE == "local":
        return {
            "BACKEND": "streaming.recording.stored.stores.LocalRecordings",
            "OPTIONS": {"location": str(MEDIA_ROOT)},
        }
    if find_spec("storages") is None or find_spec("azure.identity") is None:
        raise ImproperlyConfigured(
            'RECORDING_STORAGE is azure, and what speaks to it is not installed: pip install ".[azure-storage]".'
        )
    if not (RECORDING_AZURE_ACCOUNT or RECORDING_AZURE_CONNECTION_STRING):
        raise ImproperlyConfigured(
            "RECORDING_STORAGE is azure; name the account in RECORDING_AZURE_ACCOUNT (the portal's own identity has to "
            "be let in), or give a RECORDING_AZURE_CONNECTION_STRING."
        )
    options = {"azure_container": RECORDING_AZURE_CONTAINER}
    if RECORDING_AZURE_CONNECTION_STRING:
        options["connection_string"] = RECORDING_AZURE_CONNECTION_STRING
    else:
        options["account_name"] = RECORDING_AZURE_ACCOUNT
    return {"BACKEND": "streaming.recording.stored.blobs.AzureRecordings", "OPTIONS": options}


STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "recordings": _recordings(),
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Doors -----------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],  # the nonce is for wavesurfer, which brings a style sheet of its own
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
_over_tls = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _over_tls
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", False)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000 if _over_tls else 0, 0, 63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _over_tls
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.flag("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "calls.api.authentication.ApiKeyAuthentication",
        "calls.api.authentication.BrowserSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["calls.api.permissions.MayUse"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["calls.api.limits.SmallJson"],
    "DEFAULT_PAGINATION_CLASS": "calls.api.pagination.NewestFirst",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "calls.api.schema.Described",
    "DEFAULT_THROTTLE_CLASSES": ["calls.api.limits.PerActor"],
    "DEFAULT_THROTTLE_RATES": {
        "read": env.text("API_READ_RATE", "1200/min"),
        "order": env.text("API_ORDER_RATE", "240/min"),
    },
    "EXCEPTION_HANDLER": "calls.api.errors.as_response",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    # `format` is a parameter of our own: in which shape a call is exported.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "acsportal",
    "DESCRIPTION": "Steer phone calls that run through Azure Communication Services.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SWAGGER_UI_DIST": f"{STATIC_URL}vendor/swagger-ui",
    "SWAGGER_UI_FAVICON_HREF": f"{STATIC_URL}favicon.svg",
    # No validator of somebody else's is asked, and no key is kept in the browser.
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "displayRequestDuration": True,
        "defaultModelsExpandDepth": 0,
        "persistAuthorization": False,
        "validatorUrl": None,
    },
    "ENUM_NAME_OVERRIDES": {
        "CallState": "calls.models.Call.State",
        "Direction": "calls.models.Call.Direction",
        "StreamingState": "calls.models.Call.Streaming",
        "StreamState": "calls.models.StreamSession.State",
        "CommandState": "calls.models.Command.State",
        "CommandVerb": "calls.models.Command.Verb",
        "InjectionState": "calls.models.Injection.State",
        "InjectionKind": "calls.models.Injection.Kind",
        "EventSource": "calls.models.CallEvent.Source",
        "ChannelType": "calls.models.profile.ChannelType",
        "StreamingStart": "calls.models.profile.StreamingStart",
        "RecordingStart": "calls.models.profile.RecordingStart",
        "SampleRate": "calls.models.profile.SampleRate",
        "TrackState": "calls.models.Recording.State",
        "TrackKind": "calls.models.Recording.Track",
        "PolicyAction": "calls.models.CallPolicy.Action",
        "RejectReason": "calls.models.CallPolicy.RejectReason",
        "MomentKind": "calls.api.timeline.KINDS",
    },
}

# --- Logs: ids only, no numbers, names, speech or tokens -------------------------------------------------------------
LOG_FORMAT = cast(Literal["json", "line"], env.choice("LOG_FORMAT", "json", ("json", "line")))
LOGGING = logs.configuration(LOG_FORMAT, env.text("LOG_LEVEL", "INFO").upper(), PROCESS_ID)
logs.configure_structlog(PROCESS_ID)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# The doors say what they refuse; a line for each request would say little, and polls would drown the rest.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_DEFAULT_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_2XX_LOG_LEVEL = DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.DEBUG

# --- Figures ---------------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN", "")
