"""Transcription on, off, and in another language."""

import re

from acsportal.emulator import errors
from acsportal.emulator.call.transcription import Transcription
from acsportal.emulator.operations.asking import Answer, Ask, Body, text_of

LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?-[A-Za-z]{2}")


def locale_of(body: Body) -> str:
    """Which languages a region knows is Azure's affair: whatever looks like a locale is taken."""
    locale = text_of(body, "locale")
    if not locale or not LOCALE.fullmatch(locale):
        raise errors.invalid("locale is missing or not supported")
    return locale


def start(ask: Ask) -> Answer:
    order = ask.order()
    _transcription(ask).start(locale_of(ask.body) if ask.text("locale") else None, order)
    return 202, None


def stop(ask: Ask) -> Answer:
    order = ask.order()
    _transcription(ask).stop(order)
    return 202, None


def update(ask: Ask) -> Answer:
    """On a connection made by ``connect`` Azure refuses it (sheet, section 2)."""
    order, transcription = ask.order(), _transcription(ask)
    if ask.established().direction == "connected":
        raise errors.not_supported("updateTranscription on a connected call")
    transcription.update(locale_of(ask.body), order)
    return 202, None


OPERATIONS = {
    "POST callConnections/{id}:startTranscription": start,
    "POST callConnections/{id}:stopTranscription": stop,
    "POST callConnections/{id}:updateTranscription": update,
}


def _transcription(ask: Ask) -> Transcription:
    transcription = ask.established().transcription
    if transcription is None:
        raise errors.no_transcription()
    return transcription
