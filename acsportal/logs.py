"""How the portal logs: one line an event, as JSON or for the eye, with the ids of the call and stream it speaks of.

Ids only: no numbers, names or speech. Tokens in Azure's URLs are cut from every line, tracebacks included. Knows no
Django, so that the supervisor of `make serve` logs alike.
"""

import logging
import re
import traceback
from typing import Any, Final, Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

Format = Literal["json", "line"]

# Not past a backslash either: in JSON it begins the quote that ends the text.
_TOKEN_PATHS: Final = re.compile(r"(/acs/callbacks/|/ws/acs/(?:media|transcription)/|[?&]token=)[^/\s\"'&?\\]+")


def hide_tokens(text: str) -> str:
    return _TOKEN_PATHS.sub(r"\1…", text)


class NoSocketLines(logging.Filter):
    """Drops uvicorn's lines about each WebSocket: the portal writes its own, with ids. To stand before HideTokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = str(record.msg)
        return '"WebSocket %s"' not in said and said not in {"connection open", "connection closed"}


class NoTraceback(logging.Filter):
    """Keeps the line and drops the traceback of what any visitor can cause, such as a foreign Host header."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


class HideTokens(logging.Filter):
    """For loggers whose handlers are somebody else's; our own handlers cut tokens from the finished line as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not isinstance(record.msg, dict):  # structlog's own, which only our formatter can read
            message = record.getMessage()
            hidden = hide_tokens(message)
            if hidden != message:
                record.msg, record.args = hidden, ()
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            # What a formatter finds here, it does not make itself.
            record.exc_text = hide_tokens("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        return True


class TokenFreeFormatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))


class Worker:
    """Adds which process says it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["worker"] = self._name
        return event


def processors(worker: str) -> list[Processor]:
    """What every line passes, whether structlog or logging made it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        Worker(worker),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """`2026-11-20T13:09:00Z INFO streaming.endpoint [call=… stream=…] stream … opened`; a traceback below it."""
    head = [str(event.pop("timestamp")), str(event.pop("level")).upper(), str(event.pop("logger"))]
    said, below = str(event.pop("event")), event.pop("exception", "")
    event.pop("worker", None)  # who reads with the eye has one process before it
    ids = " ".join(f"{name}={value}" for name, value in event.items())
    line = " ".join([*head, *([f"[{ids}]"] if ids else []), said])
    return f"{line}\n{below}" if below else line


def _formatter(form: Format, worker: str) -> dict[str, Any]:
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.processors.format_exc_info, _line]
    )
    return {
        "()": TokenFreeFormatter,
        "foreign_pre_chain": processors(worker),
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    }


def configure_structlog(worker: str) -> None:
    """Lines of structlog's own loggers go the way of all others."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors(worker),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configuration(form: Format, level: str, worker: str) -> dict[str, Any]:
    """For logging.config.dictConfig, and so for Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "tokens": {"()": HideTokens},
            "sockets": {"()": NoSocketLines},
            "short": {"()": NoTraceback},
        },
        "formatters": {"chosen": _formatter(form, worker)},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "chosen", "filters": ["tokens"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "azure": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "channels_redis": {
                "level": "CRITICAL"
            },  # a traceback a second while Redis is away; the portal says it once
            # uvicorn may have handlers of its own, and the addresses of Azure's sockets hold tokens.
            "uvicorn.error": {"filters": ["sockets", "tokens"]},
            "django.security.DisallowedHost": {"filters": ["short"]},
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Each job says for itself how it went.
            "django_tasks": {"level": "WARNING"},
            "django_tasks_db": {"level": "WARNING"},
        },
    }
