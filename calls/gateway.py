"""Orders to Azure Communication Services: the only room that knows Azure's Call Automation SDK.

Every verb returns within `deadline_s` whatever Azure does, and everything that can go wrong becomes a GatewayError in
plain words. What Azure accepted is believed only when its callback arrives.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from azure.communication.callautomation import (
    AudioFormat,
    CallAutomationClient,
    CallConnectionProperties,
    CommunicationIdentifier,
    CommunicationUserIdentifier,
    MediaStreamingAudioChannelType,
    MediaStreamingContentType,
    MediaStreamingOptions,
    MicrosoftTeamsAppIdentifier,
    MicrosoftTeamsUserIdentifier,
    PhoneNumberIdentifier,
    StreamingTransportType,
)
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import RetryPolicy
from django.conf import settings

from calls.codes import explain_code
from calls.doorways import check_resource
from calls.errors import BadInput, GatewayError
from calls.gateway_transcripts import Transcribing, set_up_with
from calls.numbers import raw_id_kind
from calls.profiles import StreamingProfile

DEADLINE_S: Final = 9.5
CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 10.0
RETRIES: Final = 2
MAX_UNDER_WAY: Final = 32
LONGEST_RETRY_AFTER_S: Final = 3.0

RejectReason = Literal["none", "busy", "forbidden"]
Result = TypeVar("Result")

_GONE: Final = frozenset({(404, 8522), (400, 8528)})  # no such call any more · call terminated
_FORMATS: Final = {16000: AudioFormat.PCM16_K_MONO, 24000: AudioFormat.PCM24_K_MONO}


@dataclass(frozen=True, slots=True)
class Connection:
    """Azure's names for a call; all but the first may be "" until the first callback.

    `own_raw_id` is the identity by which we are on the call: Azure lists it among the participants.
    """

    call_connection_id: str
    server_call_id: str
    correlation_id: str
    own_raw_id: str = ""


class Gateway:
    """Azure's Call Automation for one resource; thread-safe, keeps its connections.

    All verbs block up to `deadline_s` and raise GatewayError. Nothing is sent before the first verb, and an endpoint or
    a key that cannot be used is reported by the verbs, so that a portal without Azure still starts.
    """

    def __init__(self, endpoint: str, access_key: str, *, deadline_s: float = DEADLINE_S) -> None:
        self._endpoint = endpoint.strip().rstrip("/")
        self._access_key = access_key.strip()
        self._deadline_s = deadline_s
        self._slots = threading.BoundedSemaphore(MAX_UNDER_WAY)
        # One client per order under way: its HTTP session is not made for several threads. Last used, first taken.
        self._idle: deque[CallAutomationClient] = deque()

    def answer(
        self,
        incoming_call_context: str,
        callback_url: str,
        transport_url: str,
        profile: StreamingProfile,
        operation_context: str,
        transcribing: Transcribing | None = None,
    ) -> Connection:
        """Answers a ringing call. Callbacks and the media socket may arrive before this returns."""
        return self.ask(
            lambda client: _connection(
                client.answer_call(
                    incoming_call_context,
                    callback_url,
                    operation_context=operation_context,
                    media_streaming=_streaming_options(transport_url, profile),
                    **set_up_with(transcribing),
                )
            )
        )

    def reject(self, incoming_call_context: str, reason: RejectReason = "busy") -> None:
        """Refuses a ringing call; no callback follows."""
        self.ask(lambda client: client.reject_call(incoming_call_context, call_reject_reason=reason))

    def redirect(self, incoming_call_context: str, target: str) -> None:
        """Hands a ringing call to `target`, a number or a raw id; no callback follows."""
        identifier = _identifier(target)
        self.ask(lambda client: client.redirect_call(incoming_call_context, identifier))

    def create_call(
        self,
        target: str,
        source_caller_id: str | None,
        callback_url: str,
        transport_url: str,
        profile: StreamingProfile,
        operation_context: str,
        transcribing: Transcribing | None = None,
    ) -> Connection:
        """Calls `target`, a number (+14255550123) or a raw id (8:acs:…, 8:orgid:…).

        `source_caller_id` is a number of the resource and needed if the target is a number.
        """
        identifier = _identifier(target)
        source = PhoneNumberIdentifier(source_caller_id) if source_caller_id else None
        return self.ask(
            lambda client: _connection(
                client.create_call(
                    identifier,
                    callback_url,
                    source_caller_id_number=source,
                    operation_context=operation_context,
                    media_streaming=_streaming_options(transport_url, profile),
                    **set_up_with(transcribing),
                ),
                placed=True,
            )
        )

    def hang_up(self, call_connection_id: str) -> None:
        """Ends the call for everyone. A call that Azure no longer knows counts as hung up."""
        try:
            self.ask(lambda client: client.get_call_connection(call_connection_id).hang_up(is_for_everyone=True))
        except GatewayError as error:
            if (error.azure_status, error.subcode) not in _GONE:
                raise

    def state_of(self, call_connection_id: str) -> str:
        """Azure's word for how far the call is, such as connecting or connected; "" if it knows no such call."""
        try:
            found = self.ask(lambda client: client.get_call_connection(call_connection_id).get_call_properties())
        except GatewayError as error:
            if (error.azure_status, error.subcode) not in _GONE:
                raise
            return ""
        state = found.call_connection_state or "unknown"
        return str(getattr(state, "value", state))

    def start_streaming(self, call_connection_id: str, operation_context: str) -> None:
        """Asks Azure to open the media socket; MediaStreamingStarted or …Failed brings `operation_context` back."""
        self.ask(
            lambda client: client.get_call_connection(call_connection_id).start_media_streaming(
                operation_context=operation_context
            )
        )

    def stop_streaming(self, call_connection_id: str, operation_context: str) -> None:
        """Asks Azure to close the media socket; MediaStreamingStopped brings `operation_context` back."""
        self.ask(
            lambda client: client.get_call_connection(call_connection_id).stop_media_streaming(
                operation_context=operation_context
            )
        )

    def close(self) -> None:
        """Closes the connections that are kept and idle; the next verb opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def ask(self, order: Callable[[CallAutomationClient], Result]) -> Result:
        """The order's result, or GatewayError, within the deadline.

        The order runs in a thread of its own, because no setting of the SDK bounds the whole of a call (name look-up,
        a trickling answer). A thread left behind ends with Azure's answer or with the SDK's time-outs; at most
        MAX_UNDER_WAY exist, and they are daemons, so that the process can always end.
        """
        check_resource(self._endpoint, self._access_key)
        until = time.monotonic() + self._deadline_s
        if not self._slots.acquire(timeout=self._deadline_s):
            raise GatewayError(
                "azure_timeout",
                f"Azure answers none of {MAX_UNDER_WAY} orders under way, so this one was not sent. Try again.",
                status=503,
                retryable=True,
            )
        answer: Future[Result] = Future()

        def run() -> None:
            try:
                client = self._client()
                try:
                    result = order(client)
                finally:
                    self._idle.append(client)
                answer.set_result(result)
            except BaseException as error:  # handed to the thread that waits
                answer.set_exception(error)
            finally:
                self._slots.release()

        threading.Thread(target=run, name="azure-order", daemon=True).start()
        if answer not in wait([answer], timeout=max(0.0, until - time.monotonic())).done:
            raise _late(f"Azure did not answer within {self._deadline_s:g} s.")
        try:
            return answer.result()
        except Exception as error:
            raise _explained(error) from error

    def _client(self) -> CallAutomationClient:
        try:
            return self._idle.pop()
        except IndexError:
            return CallAutomationClient(
                self._endpoint,
                AzureKeyCredential(self._access_key),
                retry_policy=_BriefRetry(retry_total=RETRIES, timeout=DEADLINE_S),
                connection_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                permit_redirects=False,  # the answer to a signed order is never elsewhere
            )


def gateway() -> Gateway:
    """This process's gateway to the resource in the settings; another one as soon as they change."""
    return _gateway(settings.ACS_ENDPOINT, settings.ACS_ACCESS_KEY)


@lru_cache(maxsize=1)
def _gateway(endpoint: str, access_key: str) -> Gateway:
    return Gateway(endpoint, access_key)


class _BriefRetry(RetryPolicy[Any, Any]):
    """Azure-core's retries, but a Retry-After longer than a person waits is reported instead of slept through."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        if (self.get_retry_after(response) or 0) > LONGEST_RETRY_AFTER_S:
            return False
        return bool(super().is_retry(settings, response))


def _identifier(target: str) -> CommunicationIdentifier:
    number = target.removeprefix("4:")
    if number.startswith("+"):
        return PhoneNumberIdentifier(number)
    kind, user_id = raw_id_kind(target), target.rpartition(":")[2]
    if kind == "acs_user":
        return CommunicationUserIdentifier(target)
    if kind == "teams_user" and target.startswith("8:orgid:"):
        return MicrosoftTeamsUserIdentifier(user_id, raw_id=target)
    if kind == "teams_app":
        return MicrosoftTeamsAppIdentifier(user_id, raw_id=target)
    fault = "must be a number like +14255550123, or the raw id of an ACS user (8:acs:…) or a Teams user (8:orgid:…)."
    raise BadInput(f"The callee {fault}", {"callee": f"It {fault}"})


def _streaming_options(transport_url: str, profile: StreamingProfile) -> MediaStreamingOptions:
    # Every option is sent: the service's defaults have changed between versions.
    return MediaStreamingOptions(
        transport_url=transport_url,
        transport_type=StreamingTransportType.WEBSOCKET,
        content_type=MediaStreamingContentType.AUDIO,
        audio_channel_type=MediaStreamingAudioChannelType(profile.channel_type),
        start_media_streaming=profile.start == "now",
        enable_bidirectional=profile.bidirectional,
        audio_format=_FORMATS[profile.sample_rate_hz],
        enable_dtmf_tones=profile.dtmf,
    )


def _connection(properties: CallConnectionProperties, *, placed: bool = False) -> Connection:
    if not isinstance(properties.call_connection_id, str) or not properties.call_connection_id:
        raise DecodeError("no callConnectionId")
    return Connection(
        properties.call_connection_id,
        properties.server_call_id or "",
        properties.correlation_id or "",
        _raw_id(properties.answered_by) or _raw_id(properties.source if placed else None),
    )


def _raw_id(identity: CommunicationIdentifier | None) -> str:
    """An ACS user's raw id; "" for a phone, which is never ourselves."""
    return identity.raw_id if isinstance(identity, CommunicationUserIdentifier) else ""


def _explained(error: Exception) -> GatewayError:
    """Any failure of the SDK as a GatewayError. Order matters: the SDK's errors inherit from each other."""
    if isinstance(error, HttpResponseError):
        return _refused(error)
    if isinstance(error, ServiceRequestError):
        return GatewayError(
            "azure_unreachable",
            "Azure could not be reached. Check ACS_ENDPOINT and this machine's way to the internet, then try again.",
            status=503,
            retryable=True,
        )
    if isinstance(error, ServiceResponseError):
        return _late("Azure took the order but broke off before answering.")
    return _garbled(error)


def _late(what: str) -> GatewayError:
    return GatewayError(
        "azure_timeout",
        f"{what} The order may still be carried out: watch the call's events before asking again.",
        status=503,
        retryable=True,
        may_have_happened=True,
    )


def _garbled(error: Exception) -> GatewayError:
    return GatewayError(
        "azure_garbled",
        "Azure's answer could not be read. The order may have been carried out: watch the call's events; if it "
        "repeats, check that ACS_ENDPOINT is the resource itself and not a proxy's page.",
        azure_status=getattr(error, "status_code", None),
        may_have_happened=True,
    )


def _refused(error: HttpResponseError) -> GatewayError:
    status = error.status_code
    code = error.error.code if error.error else None
    subcode = int(code) if isinstance(code, str) and code.isdecimal() and len(code) < 10 else None
    quoted = (error.error.message if error.error else None) or ""
    if status is None or status < 400:
        return _garbled(error)
    if isinstance(error, ClientAuthenticationError):
        return GatewayError(
            "azure_key_refused",
            "Azure refused our access key. Check that ACS_ACCESS_KEY is ACS_ENDPOINT's key, and this machine's clock.",
            azure_status=status,
            subcode=subcode,
        )
    known = explain_code(status, subcode)
    word, fallback = _word(status, quoted)
    sentences = [f"{part.rstrip('.')}." for part in known if part] if known else [fallback]
    retry_after_s = _retry_after_s(error)
    if retry_after_s is not None:
        first = sentences[0].partition(". ")[0].rstrip(".")
        sentences = [f"{first}. Azure asks us to wait {retry_after_s:g} s (Retry-After); then try again."]
    return GatewayError(
        word,
        " ".join(sentences),
        azure_status=status,
        subcode=subcode,
        retryable=word != "azure_refused",
        may_have_happened=status >= 500 and status != 503,  # 503 is Azure's word for "not taken"
        retry_after_s=retry_after_s,
    )


def _retry_after_s(error: HttpResponseError) -> float | None:
    """Seconds; Azure sends no dates here."""
    said = str((getattr(error.response, "headers", None) or {}).get("Retry-After", ""))
    return float(said) if said.isdecimal() and len(said) < 7 else None


def _word(status: int, quoted: str) -> tuple[str, str]:
    if status == 429:
        return "azure_throttled", "Azure takes no more orders for a while. Try again in a minute."
    if status >= 500:
        return "azure_unavailable", f"Azure has a fault of its own (HTTP {status}). Try again in a moment."
    says = f" and says: {quoted[:200].rstrip('.')}" if quoted else ""
    return "azure_refused", f"Azure refused the order with HTTP {status}{says}."
