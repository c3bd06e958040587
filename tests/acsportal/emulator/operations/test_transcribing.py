"""The second socket: metadata, then what the scenario's people say, word for word."""

from typing import Any

import pytest
from azure.communication.callautomation import TranscriptionOptions

from tests.acsportal.emulator.operations.asking import AGENT, AGENT_ID, CALLER_ID, Line, answered, refused, watched

TICKS_PER_S = 10_000_000


def wanted(bench: Any, start: bool = True, **more: Any) -> TranscriptionOptions:
    url = f"{bench.portal_url.replace('http', 'ws')}/media/words?token=t"
    return TranscriptionOptions(
        transport_url=url, transport_type="websocket", locale="en-US", start_transcription=start, **more
    )


def transcribed(bench: Any, start: bool = True, **more: Any) -> Line:
    return answered(bench, speaks=True, transcription=wanted(bench, start, **more))


def status_of(line: Line, kind: str) -> tuple[str, str]:
    update = line.told(kind)["transcriptionUpdate"]
    return update["transcriptionStatus"], update["transcriptionStatusDetails"]


def test_the_socket_opens_with_metadata_and_azures_headers(bench: Any) -> None:
    line = transcribed(bench)
    assert status_of(line, "TranscriptionStarted") == ("transcriptionStarted", "subscriptionStarted")
    socket = bench.portal.sockets[0]
    assert socket.headers["x-ms-call-connection-id"] == line.cc
    assert socket.headers["Authorization"].startswith("Bearer ")
    subscription = line.connection.get_call_properties().transcription_subscription
    assert (subscription.state, subscription.locale) == ("active", "en-US")
    assert socket.messages[0] == {
        "kind": "TranscriptionMetadata",
        "transcriptionMetadata": {
            "subscriptionId": subscription.id,
            "locale": "en-us",
            "callConnectionId": line.cc,
            "correlationId": line.told("CallConnected")["correlationId"],
        },
    }


def test_words_come_with_their_speaker_and_their_times(bench: Any) -> None:
    transcribed(bench, enable_intermediate_results=True)
    heard = bench.until(lambda: [m for m in final(bench) if m], 15)[0]
    assert heard["participantRawID"] == AGENT_ID
    assert heard["text"] == "Good morning, Contoso support, this is Tom. How can I help you?"
    assert heard["format"] == "display"
    assert [word["text"] for word in heard["words"][:3]] == ["good", "morning", "contoso"]
    assert heard["words"][0]["offset"] == heard["offset"]
    assert abs(sum(word["duration"] for word in heard["words"]) - heard["duration"]) < len(heard["words"])
    assert 0 <= heard["offset"] < TICKS_PER_S
    early = next(message for message in results(bench) if message["resultStatus"] == "Intermediate")
    assert heard["text"].startswith(early["text"])


def test_intermediate_results_say_what_has_been_said_by_then(bench: Any) -> None:
    transcribed(bench, enable_intermediate_results=True)
    whole = bench.until(lambda: final(bench), 15)[0]
    early = [each for each in results(bench) if each["resultStatus"] == "Intermediate"]
    assert len(early) >= 4
    texts = [each["text"] for each in early]
    assert texts == sorted(texts, key=len)
    assert all(whole["text"].startswith(text) for text in texts)
    assert {each["offset"] for each in early} == {whole["offset"]}
    assert all(each["duration"] <= whole["duration"] for each in early)
    assert all(each["words"] == [] for each in early)


def test_a_preview_says_more_to_order(bench: Any) -> None:
    bench.order("faults", {"fault": "preview_transcript"})
    transcribed(bench)
    heard = bench.until(lambda: final(bench), 15)[0]
    assert heard["languageIdentified"] == "en-us"
    assert heard["sentimentAnalysisResult"] == {"sentiment": "neutral"}
    opening = bench.portal.sockets[0].messages[0]["transcriptionMetadata"]
    assert opening["locales"] == ["en-us"]
    assert opening["piiRedactionOptions"]["redactionType"] == "MaskWithCharacter"


@pytest.mark.parametrize(("subcode", "result"), [("8578", (500, 8578)), ("8581", (400, 8581)), ("8565", (400, 8565))])
def test_a_refused_socket_is_told_of_to_order(bench: Any, subcode: str, result: tuple[int, int]) -> None:
    bench.order("faults", {"fault": "transcript_refused", "subcode": subcode})
    line = transcribed(bench)
    assert line.result("TranscriptionFailed") == result
    assert bench.portal.sockets == []
    line.connection.start_transcription()
    line.told("TranscriptionStarted")


def test_a_socket_breaks_to_order_and_is_dialled_again(bench: Any) -> None:
    line = transcribed(bench)
    line.told("TranscriptionStarted")
    bench.order("faults", {"fault": "drop_transcript"})
    line.told("TranscriptionResumed")
    bench.until(lambda: bench.portal.sockets[0].is_closed)
    assert len(bench.portal.sockets) == 2
    assert bench.portal.sockets[1].messages[0]["kind"] == "TranscriptionMetadata"


def test_its_tokens_can_be_bad_without_those_of_the_sound(bench: Any) -> None:
    bench.order("faults", {"fault": "no_token", "where": "transcription"})
    transcribed(bench)
    bench.until(lambda: bench.portal.sockets)
    assert "Authorization" not in bench.portal.sockets[0].headers


def test_who_is_muted_is_not_written_down(bench: Any) -> None:
    line = transcribed(bench)
    line.connection.mute_participant(AGENT)
    bench.until(lambda: final(bench), 20)
    assert final(bench)[0]["participantRawID"] == CALLER_ID


def test_transcription_stops_and_starts_again_by_order(bench: Any) -> None:
    line = transcribed(bench, start=False)
    assert line.connection.get_call_properties().transcription_subscription.state == "inactive"
    line.connection.start_transcription(locale="de-DE", operation_context="on")
    assert line.told("TranscriptionStarted")["operationContext"] == "on"
    assert bench.portal.sockets[0].messages[0]["transcriptionMetadata"]["locale"] == "de-de"
    assert refused(line.connection.start_transcription) == (400, "8500")
    line.connection.update_transcription(locale="fr-FR", operation_context="other")
    assert status_of(line, "TranscriptionUpdated") == ("transcriptionUpdated", "transcriptionLocaleUpdated")
    assert line.connection.get_call_properties().transcription_subscription.locale == "fr-FR"
    line.connection.stop_transcription(operation_context="off")
    assert status_of(line, "TranscriptionStopped") == ("transcriptionStopped", "subscriptionStopped")
    bench.until(lambda: bench.portal.sockets[0].is_closed)
    line.connection.start_transcription()
    line.told("TranscriptionStarted", 2)


def test_a_socket_that_cannot_be_opened_is_told_of(bench: Any) -> None:
    line = transcribed(bench, start=False)
    bench.portal.refuses_sockets = True
    line.connection.start_transcription(operation_context="on")
    assert line.result("TranscriptionFailed") == (500, 8578)
    assert status_of(line, "TranscriptionFailed") == ("transcriptionFailed", "streamConnectionUnsuccessful")
    bench.portal.refuses_sockets = False
    line.connection.start_transcription()
    line.told("TranscriptionStarted")


def test_a_broken_socket_is_dialled_once_more(bench: Any) -> None:
    line = transcribed(bench)
    line.told("TranscriptionStarted")
    bench.run(bench.portal.sockets[0].web_socket.close())
    assert status_of(line, "TranscriptionResumed") == ("transcriptionResumed", "streamConnectionReestablished")
    bench.run(bench.portal.sockets[1].web_socket.close())
    assert line.result("TranscriptionFailed") == (500, 8578)


def test_the_socket_closes_with_the_call(bench: Any) -> None:
    line = transcribed(bench)
    line.told("TranscriptionStarted")
    line.connection.hang_up(True)
    bench.until(lambda: bench.portal.sockets[0].is_closed)
    assert bench.portal.sockets[0].close_code == 1000


def test_transcription_needs_options_and_an_ai_service_at_set_up(bench: Any) -> None:
    plain = answered(bench, speaks=True)
    assert refused(lambda: plain.connection.start_transcription(locale="en-US")) == (405, "8522")
    unserved = answered(bench, transcription=wanted(bench))
    assert unserved.result("TranscriptionFailed") == (405, 8522)
    assert refused(lambda: unserved.connection.start_transcription(locale="en-US")) == (405, "8522")


def test_orders_about_transcription_that_make_no_sense_are_refused(bench: Any) -> None:
    connection = transcribed(bench, start=False).connection
    assert refused(connection.stop_transcription) == (400, "8585")
    assert refused(lambda: connection.update_transcription(locale="fr-FR")) == (400, "8585")
    assert refused(lambda: connection.update_transcription(locale="")) == (400, "8523")
    assert refused(lambda: connection.start_transcription(locale="gibberish")) == (400, "8523")


@pytest.mark.parametrize("order", ["update_transcription"])
def test_a_joined_call_cannot_change_its_language(bench: Any, order: str) -> None:
    client, _ = watched(bench)
    joined = client.connect_call(
        bench.callback_url, room_id="7", transcription=wanted(bench), cognitive_services_endpoint="https://s.example"
    )
    bench.until(lambda: "TranscriptionStarted" in bench.portal.types())
    connection = client.get_call_connection(joined.call_connection_id or "")
    assert refused(lambda: getattr(connection, order)(locale="de-DE")) == (405, "8520")


def results(bench: Any) -> list[dict[str, Any]]:
    messages = bench.portal.sockets[0].of_kind("TranscriptionData") if bench.portal.sockets else []
    return [message["transcriptionData"] for message in messages]


def final(bench: Any) -> list[dict[str, Any]]:
    return [message for message in results(bench) if message["resultStatus"] == "Final"]
