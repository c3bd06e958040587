"""What is known: one module per noun, all names importable from here."""

from calls.models.audit import AuditEntry, AuditHead
from calls.models.call import Call, Participant
from calls.models.clip import Clip
from calls.models.command import Command
from calls.models.event import CallEvent
from calls.models.injection import Injection
from calls.models.integration import ApiKey
from calls.models.job import Job
from calls.models.measures import CallMeasures, TalkSpan
from calls.models.policy import CallPolicy
from calls.models.process import Process
from calls.models.recording import AzureRecording, Recording, Take
from calls.models.stream import StreamSession, UsedMediaToken
from calls.models.transcript import Note, Segment, Tag

__all__ = [
    "ApiKey",
    "AuditEntry",
    "AuditHead",
    "AzureRecording",
    "Call",
    "CallEvent",
    "CallMeasures",
    "CallPolicy",
    "Clip",
    "Command",
    "Injection",
    "Job",
    "Note",
    "Participant",
    "Process",
    "Recording",
    "Segment",
    "StreamSession",
    "Tag",
    "Take",
    "TalkSpan",
    "UsedMediaToken",
]
