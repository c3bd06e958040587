"""One request of the portal: its body, read strictly, and the call it is about."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from acsportal.emulator import errors
from acsportal.emulator.call import Call, raw_id_of
from acsportal.emulator.call.room import Participant
from acsportal.emulator.call.sounds.keys import KEYS
from acsportal.emulator.call.sounds.prompts import Prompt
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.media.stream import Order

Body = dict[str, Any]
Answer = tuple[int, Body | None]
HTTP = ("http", "https")


@dataclass(frozen=True, slots=True)
class Ask:
    """``id`` is the call connection's or the recording's, ``raw_id`` the participant's, ``origin`` our own address."""

    exchange: Exchange
    body: Body
    id: str
    raw_id: str
    api_version: str
    origin: str

    def live(self) -> Call:
        """While a call ends it is terminated (8528), afterwards it is not known any more (8522)."""
        call = self.exchange.by_connection(self.id)
        if call is None or call.phase == "disconnected":
            raise errors.call_not_found(self.id)
        if call.phase == "disconnecting":
            raise errors.terminated(self.id)
        return call

    def established(self) -> Call:
        call = self.live()
        if call.phase != "connected":
            raise errors.not_established(self.id)
        return call

    def order(self) -> Order:
        url = self.url("operationCallbackUri", HTTP) if self.body.get("operationCallbackUri") else None
        return Order(self.text("operationContext"), url)

    def context(self) -> Body:
        """The answer of operations that only repeat the context."""
        return {"operationContext": self.text("operationContext")}

    def text(self, name: str) -> str | None:
        return text_of(self.body, name)

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        return url_of(self.body, name, schemes)

    def targets(self, name: str) -> list[str]:
        """Raw ids of a list that must not be empty."""
        found = [target_of(target) for target in list_of(self.body, name)]
        if not found:
            raise errors.invalid(f"{name} is missing")
        return found

    def participant(self, name: str) -> Participant:
        """Somebody who must be on the call."""
        return present(self.established(), target_of(self.body.get(name)))


def present(call: Call, raw_id: str) -> Participant:
    somebody = call.room.people.get(raw_id)
    if somebody is None:
        raise errors.participant_not_found(raw_id)
    return somebody


def object_of(body: Body, name: str) -> Body:
    """The object of that name, empty if there is none."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.invalid(f"{name} is no object")
    return value


def list_of(body: Body, name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise errors.invalid(f"{name} is no list")
    return value


def text_of(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise errors.invalid(f"{name} is no text")
    return value


def flag_of(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise errors.invalid(f"{name} is neither true nor false")
    return value is True


def seconds_of(body: Body, name: str, default_s: float, least_s: float, most_s: float) -> float:
    value = body.get(name)
    if value is None:
        return default_s
    if isinstance(value, bool) or not isinstance(value, int | float) or not least_s <= value <= most_s:
        raise errors.invalid(f"{name} is no number from {least_s:g} to {most_s:g}")
    return float(value)


def choice_of(body: Body, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """One of ``allowed``, whatever its casing."""
    value = text_of(body, name) or default or ""
    for each in allowed:
        if each.lower() == value.lower():
            return each
    raise errors.invalid(f"{name} is none of {', '.join(allowed)}")


def url_of(body: Body, name: str, schemes: tuple[str, ...]) -> str:
    """Azure takes https and wss only; on loopback plain http and ws must do."""
    url = body.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in schemes or not urlsplit(url).netloc:
        raise errors.invalid(f"The field {name} is invalid")
    return url


def target_of(target: Any) -> str:
    raw_id = target.get("rawId") if isinstance(target, dict) else None
    if not raw_id and isinstance(target, dict):
        phone, user = target.get("phoneNumber"), target.get("communicationUser")
        own = user.get("id") if isinstance(user, dict) else target.get("id")
        raw_id = f"4:{phone.get('value')}" if isinstance(phone, dict) else own
    try:
        return raw_id_of(str(raw_id))
    except ValueError as error:
        raise errors.invalid(f"a target has no usable rawId: {error}") from error


def number_of(body: Body, name: str) -> str | None:
    """The value of a phone number object."""
    return text_of(object_of(body, name), "value")


def prompt_of(source: Any, speaks: bool) -> Prompt:
    """``speaks``: the call was set up with an AI service; without one, words cannot be played (8567)."""
    if not isinstance(source, dict):
        raise errors.invalid("a play source is no object")
    kind = choice_of(source, "kind", ("file", "text", "ssml"))
    about = object_of(source, kind)
    if kind == "file":
        return Prompt(kind, url_of(about, "uri", HTTP))
    content = text_of(about, "text" if kind == "text" else "ssmlText")
    if not content:
        raise errors.invalid(f"a play source of kind {kind} has no words")
    if not speaks:
        raise errors.no_speech_service()
    return Prompt(kind, content, text_of(about, "sourceLocale") or (text_of(about, "voiceName") or "en-US")[:5])


def tones_of(body: Body, name: str) -> str:
    """DtmfTone names as keys."""
    names = list_of(body, name)
    if any(not isinstance(each, str) or each.lower() not in KEYS for each in names):
        raise errors.invalid(f"{name} has what is no tone")
    return "".join(KEYS[each.lower()] for each in names)
