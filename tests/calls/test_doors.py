import json
import logging
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.signing import TimestampSigner
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from acsportal.logs import HideTokens
from calls.background import drain
from calls.counters import counts
from calls.models import Call, CallEvent, CallPolicy
from calls.services import PORTAL, hang_up
from calls.tokens import call_token
from tests.azure_stand_in import CALLER, AzureStandIn, Doors, bearer, callback, incoming, roll
from tests.calls.forger import (
    ATTACKER_JWK,
    AUDIENCE,
    GONE,
    HEADER,
    ISSUER,
    es256,
    other_key,
    part,
    pss,
    public_key_as_secret,
    rs512,
    token,
)
from tests.calls.loopback import Reply

ROOT = Path(__file__).resolve().parents[2]
GRID = "/acs/events/"
VALIDATION = {
    "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
    "topic": "/subscriptions/x",
    "subject": "",
    "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://x/validate?id=0"},
    "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    "eventTime": "2022-10-28T04:23:35.1981776Z",
    "metadataVersion": "1",
    "dataVersion": "1",
}


@pytest.fixture
def call(db: None) -> Call:
    return Call.objects.create(
        direction="inbound", state="connecting", call_connection_id=str(uuid4()), ringing_at=timezone.now()
    )


def telling(event: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The same event in the CloudEvents schema."""
    return {
        "id": event["id"],
        "source": event.get("topic", "x"),
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "specversion": "1.0",
        "data": event["data"],
        **members,
    }


# --- Event Grid ------------------------------------------------------------------------------------------------------


def test_event_grids_own_handshake_is_answered_with_its_code(doors: Doors) -> None:
    for body in (json.dumps([VALIDATION]), json.dumps(VALIDATION)):
        answer = doors.client.post(
            f"{GRID}?token=grid-secret",
            body,
            content_type="application/json; charset=utf-8",
            headers={"aeg-event-type": "SubscriptionValidation"},
        )
        assert answer.status_code == 200
        assert answer.json() == {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}


def test_the_handshake_of_cloudevents_names_the_one_who_may_send(doors: Doors) -> None:
    answer = doors.client.options(
        f"{GRID}?token=grid-secret",
        headers={"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"},
    )
    assert answer.status_code == 200
    assert answer["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert answer["WebHook-Allowed-Rate"] == "*"
    assert "POST" in answer["Allow"]


def test_no_other_origin_is_allowed_to_send(doors: Doors) -> None:
    for origin in ("evil.example", "", "eventgrid.azure.net.evil.example"):
        answer = doors.client.options(f"{GRID}?token=grid-secret", headers={"WebHook-Request-Origin": origin})
        assert answer.status_code == 403
        assert "WebHook-Allowed-Origin" not in answer


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["", "wrong", "grid-secre", "grid-secret2", "GRID-SECRET", "grid-sécret", "\x00"])
@pytest.mark.parametrize("where", ["query", "header"])
def test_a_wrong_or_missing_secret_opens_nothing(secret: str, where: str, doors: Doors) -> None:
    before = counts().get("refused_event_grid_secret", 0)
    headers = {"X-Event-Grid-Secret": secret} if where == "header" and secret.isascii() and secret != "\x00" else {}
    path = GRID if where == "header" else f"{GRID}?token={secret}"
    body = json.dumps([incoming(), VALIDATION])
    answer = doors.client.post(path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert (
        doors.client.options(path, headers=headers | {"WebHook-Request-Origin": "eventgrid.azure.net"}).status_code
        == 401
    )
    assert CallEvent.objects.count() == 0
    assert counts()["refused_event_grid_secret"] == before + 2


def test_a_portal_without_secret_lets_no_event_in(doors: Doors, settings: Any) -> None:
    settings.EVENT_GRID_SECRET = ""
    for path in (GRID, f"{GRID}?token="):
        assert doors.client.post(path, "[]", content_type="application/json").status_code == 401


def test_array_single_object_and_cloudevents_are_the_same_to_us(doors: Doors, ringing: CallPolicy) -> None:
    first, second, third = incoming(), incoming(), incoming()
    for body, content_type in (
        ([first], "application/json; charset=utf-8"),
        (second, "application/json"),
        (telling(third), "application/cloudevents+json; charset=utf-8"),
    ):
        answer = doors.client.post(f"{GRID}?token=grid-secret", json.dumps(body), content_type=content_type)
        assert answer.status_code == 200
    assert drain(20)
    assert Call.objects.filter(state="ringing", caller=CALLER).count() == 3
    assert CallEvent.objects.get(azure_id=third["id"]).raw["specversion"] == "1.0"


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'"text"', b"7", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_event_is_refused_for_good(body: bytes, doors: Doors) -> None:
    answer = doors.client.post(f"{GRID}?token=grid-secret", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.content.decode().startswith("The body")


def test_a_body_that_is_too_large_is_413(doors: Doors, call: Call) -> None:
    large = b"[" + b" " * (1024 * 1024) + b"]"
    path = reverse("callbacks", args=[call_token(call.pk, "callbacks")])
    assert doors.client.post(f"{GRID}?token=grid-secret", large, content_type="application/json").status_code == 413
    headers = {"Authorization": bearer()}
    assert doors.client.post(path, large, content_type="application/json", headers=headers).status_code == 413


def test_one_broken_element_costs_its_neighbours_nothing(
    doors: Doors, ringing: CallPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    without_context = incoming(incomingCallContext=None)
    answer = doors.grid(incoming(), 7, None, {"id": "x"}, without_context, {"eventType": "New.Thing"}, incoming())
    assert answer.status_code == 200
    assert drain(20)
    assert Call.objects.count() == 2
    assert CallEvent.objects.filter(type="New.Thing").count() == 1
    assert caplog.text.count("passed over") == 1
    assert re.search(r"4 of an Event Grid delivery passed over, first element 1: .+ \([0-9]+ so far\)", caplog.text)


@pytest.mark.django_db
def test_other_events_of_azure_are_stored_and_nobody_acts_on_them(doors: Doors) -> None:
    event = {**incoming(), "eventType": "Microsoft.Communication.ChatMessageReceived"}
    for _ in range(3):
        assert doors.grid(event).status_code == 200
    stored = CallEvent.objects.get()
    assert (stored.type, stored.waiting, stored.call) == ("ChatMessageReceived", False, None)
    assert stored.raw == event


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head"])
def test_the_doors_know_no_other_method(method: str, doors: Doors, call: Call) -> None:
    path = reverse("callbacks", args=[call_token(call.pk, "callbacks")])
    assert getattr(doors.client, method)(path).status_code == 405
    assert getattr(doors.client, method)(f"{GRID}?token=grid-secret").status_code == 405


def test_the_doors_ask_for_no_csrf_token_and_are_never_cached(azure: AzureStandIn, call: Call) -> None:
    doors = Doors()
    doors.client = Client(enforce_csrf_checks=True)
    answer = doors.tell(call, callback("CallConnected", call.call_connection_id or ""))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_while_the_database_is_away_azure_is_asked_to_come_again(tmp_path: Path) -> None:
    """A portal of its own, whose database file is no database."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"this is no database" * 100)
    script = """
import json, sys, django
django.setup()
from uuid import uuid4
from django.test import Client
from calls.tokens import call_token
client = Client(raise_request_exception=False)
def post(path, event):
    return client.post(path, json.dumps([event]), "application/json").status_code
grid = post("/acs/events/?token=grid-secret", json.loads(sys.argv[1]))
told = post(f"/acs/callbacks/{call_token(uuid4(), 'callbacks')}/", {"id": "1", "type": "CallConnected", "data": {}})
print(grid, told, client.get("/readyz").status_code, client.get("/livez").status_code)
"""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{broken}",
        "ACS_TOKEN_CHECK": "off",
        "EVENT_GRID_SECRET": "grid-secret",
        "REDIS_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(incoming())],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["503", "503", "503", "200"], done.stderr


# --- Callbacks -------------------------------------------------------------------------------------------------------


def forged(**claims: Any) -> str:
    good = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300}
    return "Bearer " + token(HEADER, {name: value for name, value in (good | claims).items() if value is not GONE})


def signed(sign: Any, **header: Any) -> str:
    return "Bearer " + token({**HEADER, **header}, {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300}, sign)


def pieces() -> list[str]:
    return bearer().removeprefix("Bearer ").split(".")


FORGED: dict[str, Any] = {
    "none at all": lambda: None,
    "no token": lambda: "Bearer",
    "another scheme": lambda: bearer().replace("Bearer", "Basic"),
    "two tokens": lambda: f"{bearer()} {bearer().removeprefix('Bearer ')}",
    "two tokens joined": lambda: f"{bearer()}, {bearer()}",
    "a part too few": lambda: "Bearer " + ".".join(pieces()[:2]),
    "an empty signature": lambda: "Bearer " + ".".join([*pieces()[:2], ""]),
    "a cut signature": lambda: bearer()[:-4],
    "a signature of zeros": lambda: "Bearer " + ".".join([*pieces()[:2], part(bytes(256))]),
    "another payload": lambda: "Bearer " + ".".join([pieces()[0], part({"iss": ISSUER}), pieces()[2]]),
    "algorithm none": lambda: "Bearer " + ".".join([part({**HEADER, "alg": "none"}), pieces()[1], ""]),
    "algorithm none with signature": lambda: "Bearer " + ".".join([part({**HEADER, "alg": "none"}), *pieces()[1:]]),
    "our public key as secret": lambda: signed(public_key_as_secret, alg="HS256"),
    "our public key as secret under RS256": lambda: signed(public_key_as_secret),
    "an elliptic key": lambda: signed(es256, alg="ES256"),
    "PSS": lambda: signed(pss, alg="PS256"),
    "SHA-512": lambda: signed(rs512, alg="RS512"),
    "a stranger's key under Azure's id": lambda: signed(other_key),
    "a stranger's key in the header": lambda: signed(other_key, jwk=ATTACKER_JWK),
    "a stranger's key at an address": lambda: signed(other_key, jku="http://127.0.0.1:1/keys"),
    "an unknown key": lambda: signed(other_key, kid="two"),
    "a critical extension": lambda: "Bearer " + token({**HEADER, "crit": ["exp"]}, {"iss": ISSUER, "aud": AUDIENCE}),
    "expired": lambda: forged(exp=time.time() - 61),
    "never expiring": lambda: forged(exp=GONE),
    "not valid yet": lambda: forged(nbf=time.time() + 120),
    "another issuer": lambda: forged(iss="https://evil.example"),
    "no issuer": lambda: forged(iss=GONE),
    "another resource": lambda: forged(aud="00000000-0000-0000-0000-000000000002"),
    "no audience": lambda: forged(aud=GONE),
    "huge": lambda: "Bearer " + "A" * 20_000,
}


def test_there_are_at_least_twenty_kinds_of_forged_tokens() -> None:
    assert len(FORGED) >= 20


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_tells_us_nothing(kind: str, doors: Doors, call: Call, caplog: pytest.LogCaptureFixture) -> None:
    event = callback("CallDisconnected", call.call_connection_id or "")
    before = sum(times for name, times in counts().items() if name.startswith("refused_callback_token_"))
    with caplog.at_level(logging.INFO, "calls"):
        assert doors.tell(call, event, authorization=FORGED[kind]()).status_code == 401
    assert sum(times for name, times in counts().items() if name.startswith("refused_callback_token_")) == before + 1
    assert len([each for each in caplog.records if "a door refused" in each.message]) == 1
    call.refresh_from_db()
    assert (call.state, [each.type for each in call.events.all()]) == ("connecting", ["CallbackRefused"])


def test_a_good_token_is_let_in_many_times(doors: Doors, call: Call) -> None:
    authorization = bearer()
    for _ in range(3):
        event = callback("CallConnected", call.call_connection_id or "")
        assert doors.tell(call, event, authorization=authorization).status_code == 200


def test_checking_can_be_turned_to_a_log_line_or_off(
    doors: Doors, call: Call, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ACS_TOKEN_CHECK = "log"
    event = callback("CallConnected", call.call_connection_id or "")
    assert doors.tell(call, event, authorization=forged(aud="x")).status_code == 200
    assert "let in although its token is bad: wrong_audience" in caplog.text
    settings.ACS_TOKEN_CHECK = "off"
    assert doors.tell(call, event, authorization=None).status_code == 200


def test_while_azures_keys_cannot_be_had_it_is_asked_to_come_again(
    azure: AzureStandIn, doors: Doors, call: Call
) -> None:
    azure.server.answer = lambda _seen: Reply(500)
    assert doors.tell(call, callback("CallConnected", call.call_connection_id or "")).status_code == 503
    assert [each.raw for each in call.events.all()] == [{"reason": "keys_unavailable"}]


def test_an_address_that_is_not_ours_is_refused_before_any_token_is_read(doors: Doors, call: Call) -> None:
    good = call_token(call.pk, "callbacks")
    bad = [
        "x",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        call_token(call.pk, "media"),
        TimestampSigner(salt="calls.tokens.callbacks", sep=".").sign("no-uuid"),
        "é" * 20,
        "a" * 500,
    ]
    for text in bad:
        answer = doors.client.post(f"/acs/callbacks/{text}/", "[]", content_type="application/json")
        assert answer.status_code == 403, text
        assert text not in answer.content.decode()


def test_an_address_of_a_call_that_is_gone_is_404(doors: Doors, call: Call) -> None:
    gone = Call(pk=uuid4())
    assert doors.tell(gone, callback("CallConnected", "x")).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"7", b"\xff"])
def test_a_callback_body_that_is_no_event_is_400(body: bytes, doors: Doors, call: Call) -> None:
    path = reverse("callbacks", args=[call_token(call.pk, "callbacks")])
    headers = {"Authorization": bearer()}
    assert doors.client.post(path, body, content_type="application/json", headers=headers).status_code == 400


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents-batch+json", "text/plain"])
def test_a_callback_may_come_alone_and_under_any_type(content_type: str, doors: Doors, call: Call) -> None:
    path = reverse("callbacks", args=[call_token(call.pk, "callbacks")])
    body = json.dumps(callback("CallConnected", call.call_connection_id or ""))
    answer = doors.client.post(path, body, content_type=content_type, headers={"Authorization": bearer()})
    assert answer.status_code == 200
    call.refresh_from_db()
    assert call.state == "connected"


def test_broken_callbacks_are_passed_over(doors: Doors, call: Call) -> None:
    told = doors.tell(call, {"id": "no type"}, callback("CallConnected", call.call_connection_id or ""))
    assert told.status_code == 200
    assert call.events.count() == 1


# --- What nobody may read in a log -----------------------------------------------------------------------------------


def test_no_secret_of_a_calls_life_reaches_the_log(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    caplog.handler.addFilter(HideTokens())
    authorization = bearer()
    with caplog.at_level(logging.INFO):
        call = doors.ring(callerDisplayName="Ana Petrovna")
        event = CallEvent.objects.get(type="IncomingCall")
        connection_id = call.call_connection_id or ""
        doors.connect(call)
        doors.tell(call, roll(connection_id, 1, "4:+14255550123"), authorization=authorization)
        doors.tell(call, callback("PlayFailed", connection_id, code=400, subcode=1, message="+14255550123 said no"))
        doors.tell(call, callback("CallConnected", "another"), authorization=authorization)
        doors.tell(call, callback("CallConnected", connection_id), authorization=forged(aud="x"))
        doors.client.post(f"/acs/callbacks/{call_token(call.pk, 'media')}/", "[]", content_type="application/json")
        doors.client.post(f"{GRID}?token=wrong-secret", "[]", content_type="application/json")
        hang_up(PORTAL, call)
        doors.tell(call, callback("CallDisconnected", connection_id))
        doors.ring(incomingCallContext="late-context", at=timezone.now().replace(year=2020))
    assert "a door refused a request" in caplog.text
    secrets = [
        "4255550123",
        "8005550100",
        "Ana Petrovna",
        "grid-secret",
        "wrong-secret",
        "late-context",
        event.raw["data"]["incomingCallContext"],
        settings.ACS_ACCESS_KEY,
        call_token(call.pk, "callbacks").partition(".")[0],
        authorization.rpartition(".")[2],
    ]
    for secret in secrets:
        assert secret not in caplog.text, secret


def test_a_plain_request_to_a_socket_is_told_what_to_speak() -> None:
    for path in ("/ws/live/", "/ws/acs/media/token/", "/ws/calls/x/"):
        for ask in (Client(enforce_csrf_checks=True).get, Client(enforce_csrf_checks=True).post):
            answer = ask(path)
            assert (answer.status_code, answer["Upgrade"]) == (426, "websocket")
            assert answer.content.count(b"\n") == 1
