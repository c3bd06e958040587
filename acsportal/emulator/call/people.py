"""Addresses as Azure writes them, and who of them does not answer."""

import re
from typing import Any

RAW_ID = re.compile(r"[0-9]+:[A-Za-z0-9+:_.@\-]+")
NUMBER = re.compile(r"\+[0-9]{3,15}")


def raw_id_of(text: str) -> str:
    """``+1425…`` becomes ``4:+1425…``; a raw id stays itself. Raises ValueError."""
    if NUMBER.fullmatch(text):
        return f"4:{text}"
    if RAW_ID.fullmatch(text):
        return text
    raise ValueError(f"“{text}” is neither a number such as +14255550123 nor a raw id such as 8:acs:….")


def identifier(raw_id: str) -> dict[str, Any]:
    """Azure's identifier object; the sub-object is what SDKs decide by (sheet 6.4)."""
    if raw_id.startswith("4:+"):
        return {"rawId": raw_id, "kind": "phoneNumber", "phoneNumber": {"value": raw_id[2:]}}
    if raw_id.startswith("8:acs:"):
        return {"rawId": raw_id, "kind": "communicationUser", "communicationUser": {"id": raw_id}}
    if raw_id.startswith("8:orgid:"):
        return {"rawId": raw_id, "kind": "microsoftTeamsUser", "microsoftTeamsUser": {"userId": raw_id[8:]}}
    return {"rawId": raw_id, "kind": "unknown"}


def never_answers(address: str) -> bool:
    """Numbers, users and rooms that end in 0000 never answer."""
    return address.endswith("0000")


def is_busy(address: str) -> bool:
    """Those that end in 0001 are busy."""
    return address.endswith("0001")
