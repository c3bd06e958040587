"""Orders about what is kept of a call's sound: the portal's recording, sensitive pauses, Azure's own recording."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    FloatField,
    IntegerField,
    UUIDField,
)

from calls import services
from calls.api.bodies import AzureRecordingBody, SensitiveBody
from calls.api.endpoint import Endpoint, Verb, taken
from calls.api.serializers import CommandShape, Shape
from calls.models import AzureRecording
from calls.permissions import VERBS, VIEW
from calls.selectors.azure_recordings import azure_recording_json
from calls.services import Actor

AT_AZURE = {"POST": VERBS["record_at_azure"]}


class AzureFileShape(Shape):
    document_id = CharField(help_text="Azure's name for the file.")
    index = IntegerField()
    started_at = CharField()
    duration_s = FloatField(allow_null=True)
    end_reason = CharField()


class AzureRecordingShape(Shape):
    id = UUIDField()
    call = UUIDField()
    azure_id = CharField(help_text="Azure's recordingId.")
    state = ChoiceField(choices=AzureRecording.State.choices)
    held = BooleanField(help_text="Paused by the portal for a sensitive pause.")
    content = CharField()
    channel = CharField()
    format = CharField()
    asked_by = CharField()
    started_at = DateTimeField()
    offset_s = FloatField()
    ended_at = DateTimeField(allow_null=True)
    files = AzureFileShape(many=True)
    error = CharField()


class StartRecording(Verb):
    """Record a call.

    One track for each voice and one for what is played, from now on. Done when the process that has the call's sound
    writes it.
    """

    service = staticmethod(services.start_recording)
    needs = {"POST": VERBS["start_recording"]}


class StopRecording(Verb):
    """Stop recording a call.

    The recording is finished and stored. The call's policy does not begin it again.
    """

    service = staticmethod(services.stop_recording)
    needs = {"POST": VERBS["stop_recording"]}


class PauseRecording(Verb):
    """Pause the recording of a call. Silence is recorded, so that its clock goes on."""

    service = staticmethod(services.pause_recording)
    needs = {"POST": VERBS["pause_recording"]}


class ResumeRecording(Verb):
    """Resume the paused recording of a call."""

    service = staticmethod(services.resume_recording)
    needs = {"POST": VERBS["resume_recording"]}


class BeginSensitive(Endpoint):
    needs = {"POST": VERBS["begin_sensitive"]}

    @extend_schema(request=SensitiveBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Begin a sensitive pause.

        Nothing of the call's sound is kept or passed on, by the portal or by Azure's recording, until it is ended or
        its time is over. Begun again, it lasts as long from now. Done when the process that has the sound obeys.
        """
        seconds = self.read(request, SensitiveBody).get("seconds")
        return taken(services.begin_sensitive(Actor.of(request), self.call(call_id), seconds))


class EndSensitive(Verb):
    """End a sensitive pause before its time."""

    service = staticmethod(services.end_sensitive)
    needs = {"POST": VERBS["end_sensitive"]}


class AzureRecordings(Endpoint):
    ordering = ("-started_at", "-id")
    queryset = AzureRecording.objects.all()
    needs = {"GET": VIEW}

    @extend_schema(responses=AzureRecordingShape(many=True))
    def get(self, request: Request, call_id: UUID) -> Response:
        """List the recordings that Azure itself made of a call, newest first.

        Azure keeps them, and they may miss sound that the portal plays. The portal does not fetch them.
        """
        call = self.call(call_id)
        return self.pages(call.azure_recordings.all(), lambda each: azure_recording_json(each, call))


class StartAzureRecording(Endpoint):
    needs = AT_AZURE

    @extend_schema(request=AzureRecordingBody, responses={202: CommandShape})
    def post(self, request: Request, call_id: UUID) -> Response:
        """Have Azure record a call.

        Beside the portal's own recording, which is complete. Done when Azure says that it records.
        """
        wanted = self.read(request, AzureRecordingBody)
        command = services.start_azure_recording(
            Actor.of(request),
            self.call(call_id),
            channel=wanted.get("channel", "mixed"),
            file_format=wanted.get("format", "wav"),
        )
        return taken(command)


class PauseAzureRecording(Verb):
    """Pause Azure's recording of a call."""

    service = staticmethod(services.pause_azure_recording)
    needs = AT_AZURE


class ResumeAzureRecording(Verb):
    """Resume Azure's recording of a call."""

    service = staticmethod(services.resume_azure_recording)
    needs = AT_AZURE


class StopAzureRecording(Verb):
    """Stop Azure's recording of a call for good. Azure tells later where its file is."""

    service = staticmethod(services.stop_azure_recording)
    needs = AT_AZURE
