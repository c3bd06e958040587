"""Makes the stored conversations anew: ``python -m acsportal.emulator.scenarios.make``; needs espeak-ng.

Each speaker gets one sound file with the utterances back to back, each conversation one script in JSON that says what
is spoken when. Background noise is not stored; the emulator makes it.
"""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

HERE = Path(__file__).parent
RATE_HZ = 24000
SPEECH_DBFS = -20.0
PEAK_DBFS = -3.0
QUALITY = 0.75
BLOCK = 24000

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Person:
    role: str
    raw_id: str
    name: str
    voice: str
    speed_wpm: int
    pitch: int = 50


@dataclass(frozen=True, slots=True)
class Line:
    """``gap_s`` is the pause after the line before; negative ones overlap with it."""

    role: str
    text: str
    gap_s: float = 0.6


@dataclass(frozen=True, slots=True)
class Play:
    name: str
    title: str
    people: tuple[Person, ...]
    lines: tuple[Line, ...] = ()
    loop: bool = False
    background_dbfs: float | None = -62.0
    lead_s: float = 0.8
    rest_s: float = 2.5
    gives_up_s: float | None = None


SUPPORT = Play(
    name="support",
    title="Support: a router that loses its connection",
    people=(
        Person("caller", "4:+14255550123", "Nora Lind", "en-us+f3", 165, 55),
        Person("agent", "8:acs:00000000-0000-0000-0000-000000000001_agent-tom", "Tom Barker", "en-gb+m3", 160, 42),
    ),
    loop=True,
    lines=(
        Line("agent", "Good morning, Contoso support, this is Tom. How can I help you?"),
        Line("caller", "Hi Tom. My internet connection has been dropping since yesterday evening.", 0.9),
        Line("agent", "I am sorry to hear that. Can I have your customer number, please?", 0.5),
        Line("caller", "Sure, one moment. It is four, seven, one, nine, double two.", 1.6),
        Line("agent", "Thank you. Four, seven, one, nine, two, two. Is that the address in Maple Street?", 0.8),
        Line("caller", "Yes, exactly.", -0.25),
        Line("agent", "How often does the connection drop?", 0.7),
        Line("caller", "About every ten minutes. All lights go off, then it starts again by itself.", 0.6),
        Line("agent", "All lights, you say?", -0.3),
        Line("caller", "Yes, even the power light.", 0.5),
        Line("agent", "Then it is probably not the line. It sounds like the power supply of the router.", 0.9),
        Line("caller", "Oh. I did move it to another socket last week.", -0.2),
        Line("agent", "Could you plug it directly into the wall and tell me what you see?", 0.7),
        Line("caller", "Okay, I am doing it now.", 0.5),
        Line("caller", "The power light is on. Now it is green, and the second one is blinking.", 4.2),
        Line("agent", "Very good. Please wait until the second light stays on.", 0.6),
        Line("caller", "It is on now. And my phone is back online!", 3.4),
        Line("agent", "Wonderful. I will send you a new power supply anyway. It arrives on Thursday.", 0.6),
        Line("caller", "That is great, thank you so much.", -0.15),
        Line("agent", "You are welcome. Is there anything else I can do for you?", 0.6),
        Line("caller", "No, that was all. Have a nice day!", 0.7),
        Line("agent", "You too. Goodbye!", 0.4),
    ),
)

SALES = Play(
    name="sales",
    title="Sales: an order of forty chairs",
    people=(
        Person("caller", "4:+442079460018", "James Okafor", "en-gb+m1", 160, 38),
        Person("agent", "8:acs:00000000-0000-0000-0000-000000000001_agent-lea", "Lea Winter", "en-us+f2", 168, 60),
        Person("expert", "8:acs:00000000-0000-0000-0000-000000000001_agent-max", "Max Stone", "en-us+m7", 155, 30),
    ),
    loop=True,
    lines=(
        Line("agent", "Fabrikam office furniture, Lea Winter speaking."),
        Line("caller", "Hello, James Okafor here. I saw your chair, the one called Tern, on your website.", 0.8),
        Line("agent", "A good choice. How many do you need?", 0.5),
        Line("caller", "Forty, for a new office in Leeds. What would be the price for that number?", 0.8),
        Line("agent", "For forty pieces we take twelve percent off, so one is two hundred and twenty pounds.", 1.3),
        Line("caller", "Hm. Is delivery included?", -0.2),
        Line("agent", "Yes, and we carry them up to the third floor.", 0.6),
        Line("caller", "And how long does it take? We open on the first of March.", 0.7),
        Line("agent", "For that I would like to ask my colleague Max, who is on the line with us. Max?", 0.8),
        Line("expert", "Hello. We have twenty five in stock. The others come from the works in three weeks.", 1.1),
        Line("caller", "So everything would be there by the middle of February?", 0.6),
        Line("expert", "By the twelfth, to be exact.", -0.15),
        Line("caller", "That is fine. Which colours are there?", 0.8),
        Line("agent", "Slate, moss and clay. Moss takes a week longer.", 0.6),
        Line("caller", "Then thirty in slate and ten in clay, please.", 1.4),
        Line("agent", "Thirty in slate and ten in clay. I will write the offer while we speak.", 0.7),
        Line("agent", "Done. It is in your mailbox, and it is valid for two weeks.", 4.0),
        Line("caller", "Let me see. Yes, here it is. I will sign it today.", 1.8),
        Line("agent", "Perfect. Thank you very much, James.", -0.2),
        Line("caller", "Thank you both. Bye!", 0.6),
        Line("expert", "Bye.", 0.3),
    ),
)

CALLEE = Play(
    name="callee",
    title="Somebody who answers, says hello and listens",
    people=(Person("callee", "4:+14255550177", "Ruth Adler", "en-us+f4", 165, 52),),
    lines=(
        Line("callee", "Hello, Ruth Adler speaking."),
        Line("callee", "Yes, I am listening. Please go ahead.", 1.5),
    ),
    lead_s=0.5,
)

GIVES_UP = Play(
    name="gives_up",
    title="A caller who hangs up while it still rings",
    people=(Person("caller", "8:acs:00000000-0000-0000-0000-000000000001_impatient", "Ida Brandt", "en-us+f3", 165),),
    gives_up_s=6.0,
    background_dbfs=None,
)

PLAYS = (SUPPORT, SALES, CALLEE, GIVES_UP)


def spoken(person: Person, text: str) -> Wave:
    """One utterance by espeak-ng at ``RATE_HZ``, silence cut off both ends, speech at one level."""
    wav = subprocess.run(  # noqa: S603 - our own texts
        [  # noqa: S607 - wherever espeak-ng is installed
            "espeak-ng",
            "-v",
            person.voice,
            "-s",
            str(person.speed_wpm),
            "-p",
            str(person.pitch),
            "--stdout",
            text,
        ],
        check=True,
        capture_output=True,
    ).stdout
    wave, rate_hz = soundfile.read(io.BytesIO(_with_length(wav)), dtype="float32")
    wave = soxr.resample(wave, rate_hz, RATE_HZ, quality="VHQ")
    loud = np.flatnonzero(np.abs(wave) > 0.005)
    wave = wave[max(0, loud[0] - RATE_HZ // 50) : loud[-1] + RATE_HZ // 25]
    wave *= 10 ** (SPEECH_DBFS / 20) / float(np.sqrt(np.mean(wave**2)))
    limited: Wave = (wave * min(1.0, 10 ** (PEAK_DBFS / 20) / float(np.abs(wave).max()))).astype(np.float32)
    return limited


def _with_length(wav: bytes) -> bytes:
    """espeak-ng writes to a pipe, where it cannot go back to fill in the two lengths of the header."""
    start = wav.index(b"data") + 4
    size = len(wav) - start - 4
    head = wav[:4] + (len(wav) - 8).to_bytes(4, "little") + wav[8:start]
    return head + size.to_bytes(4, "little") + wav[start + 4 :]


def make(play: Play, folder: Path = HERE) -> None:
    people = {person.role: person for person in play.people}
    files: dict[str, list[Wave]] = {}
    filled_s: dict[str, float] = {}
    utterances: list[dict[str, Any]] = []
    end_s = play.lead_s
    for number, line in enumerate(play.lines):
        wave = spoken(people[line.role], line.text)
        start_s = end_s + (line.gap_s if number else 0.0)
        duration_s = len(wave) / RATE_HZ
        utterances.append(
            {
                "speaker": line.role,
                "text": line.text,
                "start_s": round(start_s, 3),
                "duration_s": round(duration_s, 3),
                "file": f"{play.name}-{line.role}.ogg",
                "offset_s": round(filled_s.get(line.role, 0.0), 3),
            }
        )
        files.setdefault(line.role, []).append(wave)
        filled_s[line.role] = filled_s.get(line.role, 0.0) + duration_s
        end_s = start_s + duration_s
    for role, waves in files.items():
        _write(folder / f"{play.name}-{role}.ogg", np.concatenate(waves))
    script = {
        "title": play.title,
        "loop": play.loop,
        "gives_up_s": play.gives_up_s,
        "background_dbfs": play.background_dbfs,
        "duration_s": round(end_s + play.rest_s, 2) if play.lines else 0.0,
        "speakers": [_speaker(person) for person in play.people],
        "utterances": utterances,
    }
    (folder / f"{play.name}.json").write_text(json.dumps(script, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _speaker(person: Person) -> dict[str, str]:
    kind = "phoneNumber" if person.raw_id.startswith("4:") else "communicationUser"
    return {"role": person.role, "rawId": person.raw_id, "kind": kind, "name": person.name, "voice": person.voice}


def _write(path: Path, wave: Wave) -> None:
    """In blocks: libsndfile's Vorbis encoder overflows its stack on long ones."""
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="OGG", subtype="VORBIS", compression_level=QUALITY) as file:
        for first in range(0, len(wave), BLOCK):
            file.write(wave[first : first + BLOCK])


def main() -> int:
    for play in PLAYS:
        make(play)
    return 0


if __name__ == "__main__":
    sys.exit(main())
