"""Keeps the secrets that stand in Azure's URLs out of every log line."""

import logging
import re

_TOKEN_PATHS = re.compile(r"(/acs/callbacks/|/ws/acs/(?:media|transcription)/|[?&]token=)[^/\s\"'&?]+")


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
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = hide_tokens(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
