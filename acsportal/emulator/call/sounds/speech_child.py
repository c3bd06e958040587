"""The process that speaks: text on standard input, WAV on standard output; arguments: locale, ``text`` or ``ssml``.

A program, never imported by the emulator: espeak-ng keeps global state, and what it stumbles over is to end nobody
else. Its C interface is ``speak_lib.h`` of espeak-ng 1.52.
"""

import ctypes
import sys
import wave

import espeakng_loader

SYNCHRONOUS = 2
DONT_EXIT = 0x8000
UTF8, SSML = 1, 0x10

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def speak(text: bytes, locale: str, flags: int) -> tuple[bytes, int]:
    """16-bit mono PCM and its rate in Hz."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    pieces: list[bytes] = []

    def keep(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = Callback(keep)
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DONT_EXIT)
    if rate_hz <= 0:
        raise SystemExit("espeak-ng did not start")
    library.espeak_SetSynthCallback(callback)
    if all(library.espeak_SetVoiceByName(name.encode()) for name in (locale, locale.partition("-")[0], "en")):
        raise SystemExit("espeak-ng has no voice")
    size, unsigned = ctypes.c_size_t, ctypes.c_uint
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, size, unsigned, ctypes.c_int, unsigned, unsigned, ctypes.c_void_p, ctypes.c_void_p
    ]  # fmt: skip
    if library.espeak_Synth(text + b"\0", len(text) + 1, 0, 1, 0, flags, None, None):
        raise SystemExit("espeak-ng could not speak the text")
    library.espeak_Synchronize()
    return b"".join(pieces), rate_hz


def main() -> None:
    locale, form = sys.argv[1:]
    pcm, rate_hz = speak(sys.stdin.buffer.read(), locale, UTF8 | SSML if form == "ssml" else UTF8)
    with wave.open(sys.stdout.buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.setnframes(len(pcm) // 2)
        writer.writeframesraw(pcm)


if __name__ == "__main__":
    main()
