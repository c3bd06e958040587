"""Calls as a busy desk has them: for pictures, and for what is measured on full pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.journeys.stack import Stack, wait_for

SUPPORT, SALES, FRONT_DESK, ONE_WAY = "+18005550100", "+18005550101", "+18005550102", "+18005550103"
REFUND = "Your refund of 64 dollars and 20 cents was sent today. It reaches your card within three working days."

MORE_POLICIES = """
from calls.models import CallPolicy
CallPolicy.objects.get_or_create(name="Listen line", defaults=dict(
    position=40, callee_pattern="+18005550103", action="answer", bidirectional=False))
"""
# Half a minute of ringing, told at once.
MISSED = """
from datetime import timedelta
from django.utils import timezone
from calls.models import Call
now = timezone.now()
rang = now - timedelta(seconds=31)
Call.objects.create(
    id="{call}", direction="inbound", state="ended", caller="+14255550126", caller_raw_id="4:+14255550126",
    callee="+18005550102", callee_raw_id="4:+18005550102", policy_name="Front desk", created_at=rang, ringing_at=rang,
    ended_at=now, end_text="Nobody here answered within 30 s.")
"""


def in_portal(stack: Stack, code: str) -> None:
    """Runs Python inside the portal's own set-up, in a process of its own."""
    demo = stack.demo
    child = demo.start("shell", "manage.py", "shell", "-v", "0", "-c", code)
    assert child.process.wait(30) == 0, child.log.read_text()
    demo.children.remove(child)


@dataclass
class Scene:
    """The emulator's id of each call that was rung, and the portal's id by the part that it plays."""

    stack: Stack
    rung: list[str] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)

    def ring(self, callee: str, caller: str, scenario: str = "support") -> str:
        emulated = self.stack.ring(caller=caller, callee=callee, scenario=scenario)
        self.rung.append(emulated)
        return emulated

    def talk(self, part: str, callee: str, caller: str, scenario: str = "support") -> str:
        emulated = self.ring(callee, caller, scenario)
        self.calls[part] = call = self.stack.call_of(emulated)
        self.stack.until(call, lambda row: row["streaming"]["state"] == "streaming" and row["state"] == "connected")
        return emulated

    def over(self) -> None:
        for emulated in self.rung:
            self.stack.caller_hangs_up(emulated)

    def speak(self, part: str, text: str = REFUND) -> str:
        answer = self.stack.order(f"calls/{self.calls[part]}/injections/", {"text": text})
        assert answer.status == 202, answer
        return str(answer.json["id"])


def _past(scene: Scene) -> None:
    """Three calls that are over: talked and hung up, never answered, busy."""
    stack = scene.stack
    talked = scene.talk("ended", SUPPORT, "+14255550103")
    played = scene.speak("ended", "Good morning. One moment please.")
    stack.played(scene.calls["ended"], played)
    stack.caller_hangs_up(talked)
    scene.calls["missed"] = str(uuid4())
    in_portal(stack, MISSED.format(call=scene.calls["missed"]))
    placed = stack.order("calls/", {"callee": "+14255550001"})
    assert placed.status in {201, 202}, placed
    scene.calls["busy"] = str(placed.json["id"])


@contextmanager
def busy_desk(stack: Stack, *, past: bool = True) -> Iterator[Scene]:
    """Two calls ring, seven talk (one of them one way, one with a failed stream), three are over. All end with it."""
    scene = Scene(stack)
    in_portal(stack, MORE_POLICIES)
    if past:
        _past(scene)
    scene.talk("quiet", SUPPORT, "+14255550155")
    scene.talk("mixed", SALES, "+442079460123", "sales")
    scene.talk("one way", ONE_WAY, "+14255550138")
    three = scene.talk("three", SUPPORT, "+442079460018", "sales")
    scene.talk("stopped", SUPPORT, "+14255550190")
    stack.order(f"calls/{scene.calls['stopped']}/streaming/stop/")
    failed = scene.talk("failed", SUPPORT, "+14255550147")
    stack.order(f"calls/{scene.calls['failed']}/streaming/stop/")
    scene.talk("speaks", SUPPORT, "+14255550123")
    for part in ("stopped", "failed"):
        stack.until(scene.calls[part], lambda row: row["streaming"]["state"] == "off")
    stack.arm(fault="stream_refused", call=failed, subcode="8603", count=100)
    stack.order(f"calls/{scene.calls['failed']}/streaming/start/")
    stack.until(scene.calls["failed"], lambda row: row["streaming"]["state"] == "failed")
    wait_for(lambda: stack.get(f"calls/{scene.calls['three']}/")["levels"], 10, f"levels of {three}")
    if past:
        stack.until(scene.calls["busy"], lambda row: row["state"] == "failed")
    scene.calls["outbound"] = str(stack.order("calls/", {"callee": "+14255550000"}).json["id"])
    scene.calls["ringing"] = stack.call_of(scene.ring(FRONT_DESK, "+14255550182"))
    try:
        yield scene
    finally:
        scene.over()
