"""Play, recognize, hold: what Azure does for the ears and with the words and keys of the people on a call."""

from typing import Any

from acsportal.emulator import errors
from acsportal.emulator.call import Call
from acsportal.emulator.call.sounds.plays import Play, SendTones
from acsportal.emulator.call.sounds.prompts import Prompt
from acsportal.emulator.call.sounds.recognition import Choice, Recognize, Wanted
from acsportal.emulator.operations.asking import (
    Answer,
    Ask,
    Body,
    choice_of,
    flag_of,
    list_of,
    object_of,
    present,
    prompt_of,
    seconds_of,
    target_of,
    text_of,
    tones_of,
)

KINDS = ("dtmf", "speech", "speechOrDtmf", "choices")


def play(ask: Ask) -> Answer:
    call = ask.established()
    prompts = tuple(prompt_of(source, _speaks(call)) for source in list_of(ask.body, "playSources"))
    if not prompts:
        raise errors.invalid("playSources is missing")
    raw_ids = [target_of(target) for target in list_of(ask.body, "playTo")]
    audience = frozenset(present(call, raw_id).raw_id for raw_id in raw_ids) or None
    loop = flag_of(object_of(ask.body, "playOptions"), "loop")
    interrupts = flag_of(ask.body, "interruptCallMediaOperation")
    call.queue.put(Play(call, ask.order(), prompts, audience, loop), interrupts)
    return 202, None


def cancel_all(ask: Ask) -> Answer:
    ask.established().queue.cancel_all()
    return 202, None


def recognize(ask: Ask) -> Answer:
    call = ask.established()
    wanted = _wanted(ask, call)
    interrupts = flag_of(ask.body, "interruptCallMediaOperation")
    call.queue.put(Recognize(call, ask.order(), wanted), interrupts)
    return 202, None


def send_tones(ask: Ask) -> Answer:
    call, target = ask.established(), ask.participant("targetParticipant")
    tones = tones_of(ask.body, "tones")
    if not tones:
        raise errors.invalid("tones is missing")
    call.queue.put(SendTones(call, ask.order(), tones, target.raw_id))
    return 202, ask.context()


def start_tones(ask: Ask) -> Answer:
    target = ask.participant("targetParticipant")
    ask.established().keypad.subscribe(target.raw_id, ask.order())
    return 200, None


def stop_tones(ask: Ask) -> Answer:
    target = ask.participant("targetParticipant")
    ask.established().keypad.unsubscribe(target.raw_id, ask.order())
    return 200, None


def hold(ask: Ask) -> Answer:
    call, target = ask.established(), ask.participant("targetParticipant")
    source = ask.body.get("playSourceInfo")
    prompt = None if source is None else prompt_of(source, _speaks(call))
    call.holding.hold(target.raw_id, prompt, ask.order())
    return 200, None


def unhold(ask: Ask) -> Answer:
    target = ask.participant("targetParticipant")
    ask.established().holding.unhold(target.raw_id)
    return 200, None


OPERATIONS = {
    "POST callConnections/{id}:play": play,
    "POST callConnections/{id}:cancelAllMediaOperations": cancel_all,
    "POST callConnections/{id}:recognize": recognize,
    "POST callConnections/{id}:sendDtmfTones": send_tones,
    "POST callConnections/{id}:startContinuousDtmfRecognition": start_tones,
    "POST callConnections/{id}:stopContinuousDtmfRecognition": stop_tones,
    "POST callConnections/{id}:hold": hold,
    "POST callConnections/{id}:unhold": unhold,
}


def _speaks(call: Call) -> bool:
    return call.set_up is not None and call.set_up.speaks


def _wanted(ask: Ask, call: Call) -> Wanted:
    """Defaults are those of Microsoft's table for Recognize: 5 s, 2 s."""
    kind = choice_of(ask.body, "recognizeInputType", KINDS)
    options = object_of(ask.body, "recognizeOptions")
    if kind in ("speech", "speechOrDtmf") and not _speaks(call):
        raise errors.no_speech_service()
    keys, speech = object_of(options, "dtmfOptions"), object_of(options, "speechOptions")
    choices = tuple(_choice(each) for each in list_of(options, "choices"))
    if kind == "choices" and not choices:
        raise errors.invalid("recognizeOptions.choices is missing")
    return Wanted(
        kind=kind,
        target=present(call, target_of(options.get("targetParticipant"))).raw_id,
        prompts=_prompts(ask.body, _speaks(call)),
        interrupt_prompt=flag_of(options, "interruptPrompt"),
        initial_silence_s=seconds_of(options, "initialSilenceTimeoutInSeconds", 5, 0, 300),
        inter_tone_s=seconds_of(keys, "interToneTimeoutInSeconds", 2, 1, 60),
        end_silence_s=seconds_of(speech, "endSilenceTimeoutInMs", 1000, 0, 60_000) / 1000,
        max_tones=round(seconds_of(keys, "maxTonesToCollect", 0, 1, 1000)) or None,
        stop_tones=frozenset(tones_of(keys, "stopTones")),
        choices=choices,
    )


def _prompts(body: Body, speaks: bool) -> tuple[Prompt, ...]:
    """One prompt, or a list of them."""
    sources = list_of(body, "playPrompts")
    if not sources and body.get("playPrompt") is not None:
        sources = [body["playPrompt"]]
    return tuple(prompt_of(source, speaks) for source in sources)


def _choice(choice: Any) -> Choice:
    if not isinstance(choice, dict):
        raise errors.invalid("a choice is no object")
    label = text_of(choice, "label")
    phrases = tuple(str(phrase) for phrase in list_of(choice, "phrases"))
    if not label:
        raise errors.invalid("a choice has no label")
    return Choice(label, phrases, tones_of({"tone": [choice["tone"]]}, "tone") if choice.get("tone") else "")
