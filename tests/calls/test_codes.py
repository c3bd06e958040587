import re
from pathlib import Path

import pytest

from calls.codes import explain, explain_code

# Every event of the protocol page (section 5.3).
SUCCEEDED = """
CallConnected ParticipantsUpdated CallTransferAccepted AddParticipantSucceeded RemoveParticipantSucceeded
MoveParticipantSucceeded CancelAddParticipantSucceeded PlayStarted PlayCompleted PlayCanceled RecognizeCompleted
RecognizeCanceled ContinuousDtmfRecognitionToneReceived ContinuousDtmfRecognitionStopped SendDtmfTonesCompleted
HoldAudioStarted HoldAudioPaused HoldAudioResumed HoldAudioCompleted MediaStreamingStarted MediaStreamingStopped
TranscriptionStarted TranscriptionUpdated TranscriptionStopped TranscriptionResumed RecordingStateChanged
TeamsRecordingStateChanged TeamsComplianceRecordingStateChanged IncomingCall
"""
FAILED = """
CallTransferFailed AddParticipantFailed RemoveParticipantFailed MoveParticipantFailed CancelAddParticipantFailed
PlayFailed RecognizeFailed ContinuousDtmfRecognitionToneFailed SendDtmfTonesFailed HoldFailed MediaStreamingFailed
TranscriptionFailed StartRecordingFailed
"""
ENDS = ["CallDisconnected", "CreateCallFailed", "ConnectFailed", "AnswerFailed"]
ICONS = set(re.findall(r'id="([a-z-]+)"', (Path(__file__).parents[2] / "static" / "icons.svg").read_text()))
# Every code of the protocol page (section 5.5), with the event that brings it.
END_CODES = """
CallDisconnected 200/0 200/4521 200/5000 200/5010 200/5013 200/7000 200/7015 487/0 487/10003 487/10024 500/10045
CallDisconnected 503/560503 429/10110
CreateCallFailed 403/510403 403/560403 480/10078 480/560480 487/540487 404/4500
ConnectFailed 408/10057 429/10110 480/10076 484/560484
AnswerFailed 408/4506 487/10004 496/7 480/10077
"""
FAILURE_CODES = """
AddParticipantFailed 404/8522 400/8523 400/8501 400/8500 400/8528 409/8519 403/7507 403/7504 400/8585 405/8520 412/8583
AddParticipantFailed 400/8567 405/8522 401/7509 429/8516 403/8530 408/8537 487/8586 487/8587
PlayFailed 400/8508 400/8535 400/8536 400/8565 401/8565 403/8565 408/8565 429/8565 500/8572 500/9999
RecognizeFailed 400/8508 400/8510 400/8532 400/8563 400/8565 500/8511 500/8512
MediaStreamingFailed 400/8581 500/8603 500/8604
TranscriptionFailed 500/8578 500/8579 500/8580 400/8581 400/8605 500/9001 500/9002 500/9003 500/9998 500/9999
ContinuousDtmfRecognitionToneFailed 400/12323
"""


def pairs(table: str) -> list[tuple[str, int, int]]:
    found = []
    for line in table.strip().splitlines():
        event, *codes = line.split()
        found += [(event, *map(int, code.split("/"))) for code in codes]
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("event", SUCCEEDED.split())
def test_every_event_that_goes_well_has_words_tone_and_icon(event: str) -> None:
    explanation = explain(event, 200, 0, "Action completed successfully.")
    assert explanation.text
    assert event not in explanation.text
    assert "200" not in explanation.text
    assert explanation.tone != "bad"
    assert explanation.icon in ICONS


@pytest.mark.parametrize("event", FAILED.split())
def test_every_failure_says_what_failed_and_quotes_what_is_unknown(event: str) -> None:
    explanation = explain(event, 418, 424242, "The teapot boiled over.")
    assert "(418/424242)" in explanation.text
    assert "Azure says: The teapot boiled over." in explanation.text
    assert (explanation.tone, explanation.icon in ICONS) == ("bad", True)


@pytest.mark.parametrize(("event", "code", "subcode"), pairs(FAILURE_CODES))
def test_every_documented_failure_is_in_plain_words(event: str, code: int, subcode: int) -> None:
    explanation = explain(event, code, subcode, "Raw words of Azure.")
    assert str(subcode) not in explanation.text
    assert "Raw words" not in explanation.text
    assert explanation.tone in {"bad", "off"}
    assert explain_code(code, subcode) is not None


@pytest.mark.parametrize(("event", "code", "subcode"), pairs(END_CODES))
@pytest.mark.parametrize("direction", ["inbound", "outbound", ""])
def test_every_documented_end_is_one_sentence(event: str, code: int, subcode: int, direction: str) -> None:
    explanation = explain(event, code, subcode, "Raw words of Azure.", direction)  # type: ignore[arg-type]
    assert str(subcode) not in explanation.text or subcode in {0, 7}
    assert "Raw words" not in explanation.text
    assert explanation.text.endswith(".")
    assert explanation.icon in ICONS


@pytest.mark.parametrize("event", ENDS)
def test_an_end_with_unknown_numbers_quotes_them(event: str) -> None:
    explanation = explain(event, 299, 31337, "Sunspots.")
    assert explanation.text.endswith("(299/31337). Azure says: Sunspots.")
    assert explain(event, None, None, "").text.endswith(".")


@pytest.mark.parametrize(
    ("event", "code", "subcode", "text", "remedy", "tone", "icon"),
    [
        (
            "MediaStreamingFailed",
            500,
            8603,
            "Azure could not open our media socket",
            "Start streaming again; if it repeats, check that PUBLIC_URL is reachable from the internet by wss.",
            "bad",
            "trouble",
        ),
        ("CallConnected", 200, 0, "Connected", "", "ok", "live"),
        ("MediaStreamingStarted", 200, 0, "Streaming started", "", "ok", "both-ways"),
        ("CallDisconnected", 200, 0, "The other side hung up.", "", "off", "ended"),
        ("CallDisconnected", 200, 7000, "The portal ended the call.", "", "off", "ended"),
        ("CreateCallFailed", 480, 560480, "Nobody answered.", "Call again later.", "bad", "trouble"),
        ("PlayCanceled", 400, 8508, "Azure's playing was canceled", "", "off", "stop"),
        ("HoldAudioCompleted", 400, 8508, "Hold music ended", "", "off", "pause"),
        ("RecognizeCompleted", 200, 8545, "Spoken words chose an option", "", "ok", "check"),
        ("CallRejected", None, None, "We rejected the call.", "", "off", "ended"),
        ("AnswerRefused", 404, 8522, "The call was already over.", "", "bad", "ended"),
        ("Sunrise", None, None, "Sunrise", "", "off", "tag"),
        ("DialogStarted", 200, 0, "Dialog started (200/0)", "", "off", "tag"),
    ],
)
def test_known_events_read_like_this(
    event: str, code: int | None, subcode: int | None, text: str, remedy: str, tone: str, icon: str
) -> None:
    explanation = explain(event, code, subcode, "")
    assert (explanation.text, explanation.remedy, explanation.tone, explanation.icon) == (text, remedy, tone, icon)


def test_the_direction_gives_the_other_side_its_name() -> None:
    assert explain("CallDisconnected", 200, 0, "", "inbound").text == "The caller hung up."
    assert explain("CallDisconnected", 200, 0, "", "outbound").text == "The person called hung up."
    assert explain("CallDisconnected", 487, 0, "", "inbound").text == "The caller gave up before we answered."


def test_an_order_refused_for_a_known_reason_says_so() -> None:
    explanation = explain("PlaceRefused", 403, 7507, "")
    assert explanation.text == "Azure did not place the call. The number we call from belongs to another resource."
    assert explanation.remedy == "Use a number of this ACS resource."


def test_a_code_without_subcode_is_not_guessed_at() -> None:
    assert explain_code(404, None) is None
    assert explain_code(None, 8603) == explain_code(500, 8603)


@pytest.mark.parametrize("event", ["CallDisconnected", "PlayFailed", "Strange", "x" * 120, ""])
def test_no_explanation_outgrows_its_column(event: str) -> None:
    text = explain(event, 500, 31337, "very long words " * 1000).text
    assert 0 < len(text) <= 300
