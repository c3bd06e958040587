"""The process that speaks: text on standard input, WAV on standard output; arguments: voice, words per minute.

Run as a program, never imported by the portal: espeak-ng is GPL and keeps global state, so every utterance gets its own
process. The library comes with the package `espeakng_loader`; its C interface is `speak_lib.h` of espeak-ng 1.52.
"""

import ctypes
import sys
import wave
from typing import Final

import espeakng_loader

AUDIO_OUTPUT_SYNCHRONOUS: Final = 2
INITIALIZE_DONT_EXIT: Final = 0x8000
PARAMETER_RATE: Final = 1
# UTF-8 and nothing else: without the flags for SSML and phonemes all of the text is just text.
CHARS_UTF8: Final = 1

SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: str, voice: str, speed_wpm: int) -> tuple[bytes, int]:
    """The spoken text as 16-bit mono PCM and its rate in Hz."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    pieces: list[bytes] = []

    def keep(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    # ctypes does not keep the callback alive by itself.
    callback = SynthCallback(keep)
    data_path = espeakng_loader.get_data_path().encode()
    rate_hz = library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data_path, INITIALIZE_DONT_EXIT)
    if rate_hz <= 0:
        raise SystemExit("espeak-ng did not start")
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise SystemExit("espeak-ng does not know the voice")
    library.espeak_SetParameter(PARAMETER_RATE, speed_wpm, 0)
    encoded = text.encode() + b"\0"
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    if library.espeak_Synth(encoded, len(encoded), 0, 1, 0, CHARS_UTF8, None, None):
        raise SystemExit("espeak-ng could not speak the text")
    library.espeak_Synchronize()
    return b"".join(pieces), rate_hz


def main() -> None:
    """Speaks standard input."""
    voice, speed_wpm = sys.argv[1:]
    pcm, rate_hz = speak(sys.stdin.buffer.read().decode(), voice, int(speed_wpm))
    with wave.open(sys.stdout.buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.setnframes(len(pcm) // 2)
        writer.writeframesraw(pcm)


if __name__ == "__main__":
    main()
