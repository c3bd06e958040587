"""One call: who is on it, how far it has come, what it hears, and what Azure does for it."""

from acsportal.emulator.call.lifecycle import Call
from acsportal.emulator.call.people import identifier, raw_id_of
from acsportal.emulator.call.results import BUSY, NO_ANSWER
from acsportal.emulator.call.room import Participant
from acsportal.emulator.call.set_up import SetUp

__all__ = ["BUSY", "NO_ANSWER", "Call", "Participant", "SetUp", "identifier", "raw_id_of"]
