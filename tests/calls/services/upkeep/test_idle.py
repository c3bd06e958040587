from calls.background import drain
from calls.models import AuditEntry, Call, CallPolicy, StreamSession
from calls.services.upkeep.idle import end_idle_stream
from tests.azure_stand_in import AzureStandIn, Doors, callback


def streaming_call(doors: Doors) -> tuple[Call, StreamSession]:
    call = doors.connect(doors.ring())
    session = StreamSession.objects.create(call=call, owner="a process", channel_type="unmixed")
    Call.objects.filter(pk=call.pk).update(streaming_state="streaming")
    return call, session


def test_azure_is_asked_to_stop_a_silent_stream_and_the_timeline_says_why(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    call, session = streaming_call(doors)
    end_idle_stream(session.pk, 60.4)
    assert drain(20)
    assert azure.verbs() == ["answer", "stopMediaStreaming"]
    event = call.events.get(type="StreamIdle")
    assert event.message == "it has brought no sound for 60 s. Start streaming when there is something to hear."
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("stop_streaming", "portal")
    doors.tell(call, callback("MediaStreamingStopped", call.call_connection_id or "", context=entry.target_id))
    call.refresh_from_db()
    assert call.streaming_state == "off"
    assert not call.may("start_streaming")


def test_a_stream_that_closed_meanwhile_is_left_alone(azure: AzureStandIn, doors: Doors, answering: CallPolicy) -> None:
    call, session = streaming_call(doors)
    StreamSession.objects.update(state="closed")
    end_idle_stream(session.pk, 60.0)
    assert drain(20)
    assert azure.verbs() == ["answer"]
    assert not call.events.filter(type="StreamIdle").exists()
