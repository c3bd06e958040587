"""What keeps a call's sound in the process that has its socket: its recording, its transcript, and the moments that
are held back from both. A sensitive moment ends by itself at its time, whatever becomes of the order to end it.
"""

import asyncio
import time
from typing import Protocol

from calls.commands import (
    BeginSensitive,
    ChangeLanguage,
    EndSensitive,
    KeepingOrder,
    PauseRecording,
    ResumeRecording,
    StartRecording,
    StartTranscript,
    StopRecording,
    StopTranscript,
)
from calls.services.recordings.sensitive import sensitive_confirmed
from calls.services.sockets import OpenStream
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.recording.call import CallRecording
from streaming.transcripts.call import CallTranscript
from streaming.transcripts.talk import TalkKeeper


class Keeper(Protocol):
    """Whatever keeps a call's sound or passes it on: recording, transcript, listeners, agents."""

    def hold(self) -> None:
        """Until `release` no sound of the call is kept or passed on; held twice is held once."""

    def release(self) -> None:
        """The sound goes on; said to one that is not held it means nothing."""


class Keeping:
    """One per line; lives in the event loop. The recording and the transcript are stages of the call's pipeline."""

    def __init__(self, call_id: str, pipeline: CallPipeline) -> None:
        self.recording = CallRecording(call_id, pipeline)
        self.transcript = CallTranscript(call_id, pipeline)
        pipeline.stages += [self.recording, self.transcript]
        self._keepers: list[Keeper] = [self.recording, self.transcript]
        self.talk = TalkKeeper(call_id)
        self._end_of_sensitive: asyncio.TimerHandle | None = None

    def begin(self, stream: OpenStream) -> None:
        """A socket of the call has said what it is; frames follow."""
        self.transcript.stream_id = stream.session_id
        self.recording.socket_came()
        for order in stream.keep:
            self.take(order)

    def socket_gone(self) -> None:
        """No frames follow, unless another socket comes within the line's grace."""
        self.recording.socket_gone()

    def take(self, order: KeepingOrder) -> None:
        """Carries out one order; given twice it does what it did."""
        match order:
            case StartRecording():
                self.recording.start(order)
            case StopRecording():
                self.recording.stop(order)
            case PauseRecording():
                self.recording.pause(order)
            case ResumeRecording():
                self.recording.resume(order)
            case StartTranscript():
                self.transcript.start(order)
            case StopTranscript():
                self.transcript.stop(order)
            case ChangeLanguage():
                self.transcript.change_language(order)
            case BeginSensitive():
                self._hold(order.until_at)
                self._confirm(order.command)
            case EndSensitive():
                self._release()
                self._confirm(order.command)

    def keep(self, keeper: Keeper) -> None:
        """From now on this one gets or forwards the call's sound as well, but nothing of a sensitive moment."""
        self._keepers.append(keeper)
        if self.is_held:
            keeper.hold()

    def forget(self, keeper: Keeper) -> None:
        if keeper in self._keepers:
            self._keepers.remove(keeper)

    @property
    def is_held(self) -> bool:
        """Whether a sensitive moment lasts."""
        return self._end_of_sensitive is not None

    def _hold(self, until_at: float) -> None:
        self._forget_timer()
        left_s = until_at - time.time()
        if left_s <= 0:
            self._release()
            return
        self._end_of_sensitive = asyncio.get_running_loop().call_later(left_s, self._release)
        for keeper in self._keepers:
            keeper.hold()

    def _release(self) -> None:
        self._forget_timer()
        for keeper in self._keepers:
            keeper.release()

    @staticmethod
    def _confirm(command: str) -> None:
        if command:
            journal.write(sensitive_confirmed, command)

    def _forget_timer(self) -> None:
        if self._end_of_sensitive is not None:
            self._end_of_sensitive.cancel()
            self._end_of_sensitive = None

    def close(self) -> None:
        """The line ends; the pipeline closes the keepers themselves."""
        self._forget_timer()
        self.talk.close()
