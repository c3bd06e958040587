"""What Azure is asked about transcription, word for word as section 6.3 of the protocol page has it."""

from collections.abc import Iterator

import pytest

from calls.errors import GatewayError
from calls.gateway import Gateway
from calls.gateway_transcripts import Transcribing, changing, starting, stopping
from calls.profiles import StreamingProfile
from tests.azure_stand_in import ACCESS_KEY, Asked, AzureStandIn, refusal
from tests.calls.loopback import loopback

CC = "411f0200-abcd-4cdf-8a3e-000000000001"
WORDS_URL = "wss://portal.example/ws/acs/transcription/token/"
URLS = ("https://portal.example/cb/", "wss://portal.example/ws/acs/media/token/")
WANTED = Transcribing(WORDS_URL, "de-DE", "https://ai.example")
OPTIONS = {
    "transportType": "websocket",
    "transportUrl": WORDS_URL,
    "locale": "de-DE",
    "startTranscription": True,
    "enableIntermediateResults": True,
}


@pytest.fixture
def azure() -> Iterator[AzureStandIn]:
    with loopback() as server:
        yield AzureStandIn(server)


@pytest.fixture
def lines(azure: AzureStandIn) -> Iterator[Gateway]:
    opened = Gateway(azure.server.url, ACCESS_KEY)
    yield opened
    opened.close()


def last(azure: AzureStandIn) -> Asked:
    return azure.asked[-1]


def test_a_call_is_answered_and_placed_with_its_transcription(azure: AzureStandIn, lines: Gateway) -> None:
    lines.answer("context", *URLS, StreamingProfile(), "command-1", WANTED)
    lines.create_call("8:acs:res_user", None, *URLS, StreamingProfile(), "command-2", WANTED)
    for asked in azure.asked:
        assert asked.body["transcriptionOptions"] == OPTIONS
        assert asked.body["callIntelligenceOptions"] == {"cognitiveServicesEndpoint": "https://ai.example"}
        assert asked.body["mediaStreamingOptions"]["transportUrl"] == URLS[1]


def test_a_call_without_transcription_says_nothing_of_it(azure: AzureStandIn, lines: Gateway) -> None:
    lines.answer("context", *URLS, StreamingProfile(), "command-1")
    assert not {"transcriptionOptions", "callIntelligenceOptions"} & set(last(azure).body)


def test_it_is_started_changed_and_stopped_by_orders_that_carry_their_context(
    azure: AzureStandIn, lines: Gateway
) -> None:
    lines.ask(starting(CC, "en-GB", "one"))
    lines.ask(changing(CC, "fr-FR", "two"))
    lines.ask(stopping(CC, "three"))
    assert [(each.verb, each.connection_id, each.body) for each in azure.asked] == [
        ("startTranscription", CC, {"locale": "en-GB", "operationContext": "one"}),
        ("updateTranscription", CC, {"locale": "fr-FR", "operationContext": "two"}),
        ("stopTranscription", CC, {"operationContext": "three"}),
    ]


def test_a_refusal_is_told_in_plain_words(azure: AzureStandIn, lines: Gateway) -> None:
    azure.replies["startTranscription"] = refusal(405, "8522")
    with pytest.raises(GatewayError, match="Azure AI services are not set up") as refused:
        lines.ask(starting(CC, "en-GB", "one"))
    assert (refused.value.azure_status, refused.value.subcode) == (405, 8522)
