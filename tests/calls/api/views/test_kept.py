import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from calls.models import ApiKey, AuditEntry, Call, CallPolicy
from calls.recognisers import POCKETSPHINX
from calls.services import Actor, audit
from tests.calls.api.door import Door
from tests.calls.loopback import Loopback
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_policies(db: None) -> None:
    CallPolicy.objects.all().delete()


def change(door: Door, path: str, body: object) -> Any:
    return door.raw("PATCH", path, json.dumps(body).encode())


def test_a_policy_is_added_read_changed_and_deleted(integrator: Door) -> None:
    added = integrator.post(
        "policies/",
        {
            "name": "Night",
            "callee_pattern": "+1 (800) 555-01*",
            "days": "12345",
            "opens_at": "22:00",
            "closes_at": "06:00",
            "time_zone": "Europe/Berlin",
            "action": "redirect",
            "redirect_target": "+1 425 555 0188",
            "streaming": {"channel_type": "mixed", "sample_rate_hz": 24000, "start": "later"},
        },
    )
    assert added.status == 201
    kept = added.json
    assert (kept["callee_pattern"], kept["redirect_target"]) == ("+180055501*", "+14255550188")
    assert kept["hours"] == "Mon–Fri 22:00–06:00 Europe/Berlin"
    assert kept["streaming"] == {
        "channel_type": "mixed",
        "sample_rate_hz": 24000,
        "bidirectional": True,
        "dtmf": True,
        "start": "later",
    }
    assert integrator.get(f"policies/{kept['id']}/").json == kept
    assert integrator.get("policies/").json["results"] == [kept]
    changed = change(integrator, f"policies/{kept['id']}/", {"position": 7, "opens_at": None, "closes_at": None})
    assert (changed.status, changed.json["position"], changed.json["hours"]) == (200, 7, "Mon–Fri Europe/Berlin")
    assert changed.json["streaming"] == kept["streaming"]
    assert integrator.delete(f"policies/{kept['id']}/").status == 204
    assert integrator.get(f"policies/{kept['id']}/").status == 404
    actions = list(AuditEntry.objects.values_list("action", "actor", "via"))
    assert actions == [(f"{verb}_policy", "API key Night desk", "api") for verb in ("delete", "change", "add")]


def test_a_policy_says_what_is_kept_of_the_sound(integrator: Door) -> None:
    transcript = {"recogniser": POCKETSPHINX, "language": "en-GB", "phrases": ["cancel my order", "Contoso"]}
    recording = {"start": "now", "keep_days": 7}
    kept = integrator.post("policies/", {"name": "Kept", "recording": recording, "transcript": transcript}).json
    assert (kept["recording"], kept["transcript"]) == (recording, transcript)
    assert kept["kept"] == "recording for 7 days, transcript: On this machine (demo recogniser) (en-GB)"
    changed = change(integrator, f"policies/{kept['id']}/", {"recording": {"keep_days": None}}).json
    assert (changed["recording"], changed["transcript"]) == ({"start": "now", "keep_days": None}, transcript)
    changed = change(
        integrator, f"policies/{kept['id']}/", {"recording": {"start": "later"}, "transcript": {"recogniser": ""}}
    ).json
    assert (changed["kept"], changed["transcript"]["phrases"]) == ("nothing", transcript["phrases"])
    added = AuditEntry.objects.get(action="add_policy").facts
    assert (added["recogniser"], added["recording_keep_days"]) == (POCKETSPHINX, 7)
    changes = [entry.facts for entry in AuditEntry.objects.filter(action="change_policy").order_by("number")]
    assert changes == [
        {"recording_keep_days": "7 → "},
        {"recogniser": f"{POCKETSPHINX} → ", "recording_start": "now → later"},
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "transcript": {"recogniser": "os.system"}}, "recogniser"),
        ({"name": "x", "transcript": {"language": "English!"}}, "language"),
        ({"name": "x", "transcript": {"phrases": ["y" * 81]}}, "transcript"),
        ({"name": "x", "transcript": {"phrases": "hello"}}, "transcript"),
        ({"name": "x", "transcript": {"voice": "x"}}, "transcript"),
        ({"name": "x", "recording": {"keep_days": 0}}, "recording"),
        ({"name": "x", "recording": {"start": "never"}}, "recording"),
        ({"name": "x", "days": "8"}, "days"),
        ({"name": "x", "opens_at": "late"}, "opens_at"),
        ({"name": "x", "opens_at": "09:00"}, "closes_at"),
        ({"name": "x", "action": "redirect"}, "redirect_target"),
        ({"name": "x", "streaming": {"sample_rate_hz": 8000}}, "streaming"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "time_zone": "../../etc/passwd"}, "time_zone"),
        ({"name": "x", "time_zone": "a\u0000b"}, "time_zone"),
    ],
)
def test_a_policy_that_cannot_be_kept_says_which_member_is_wrong(
    integrator: Door, body: dict[str, Any], field: str
) -> None:
    refused = integrator.post("policies/", body)
    assert refused.status == 400
    assert any(name.startswith(field) for name in refused.error["fields"]), refused.error
    assert not CallPolicy.objects.exists()


def test_the_api_says_which_policy_would_take_a_call(integrator: Door) -> None:
    CallPolicy.objects.create(name="Sales", position=1, callee_pattern="+1888*")
    taking = CallPolicy.objects.create(name="Sundays", position=2, days="7", action="reject")
    asked = {"caller": "+49 30 1234567", "callee": "+1 800 555 0100", "at": "2026-11-22T12:00:00Z"}
    found = integrator.get("policies/match/", **asked).json
    assert found["policy"]["id"] == taking.pk
    assert [(each["name"], each["takes"]) for each in found["said"]] == [("Sales", False), ("Sundays", True)]
    assert integrator.get("policies/match/", **{**asked, "at": "2026-11-20T12:00:00Z"}).json["policy"] is None
    refused = integrator.get("policies/match/", caller="+49301234567", at="soon")
    assert (refused.status, set(refused.error["fields"])) == (400, {"callee", "at"})


def test_a_key_is_issued_once_shown_listed_and_revoked(integrator: Door) -> None:
    issued = integrator.post("api-keys/", {"name": "dialler", "scopes": ["view_call", "place_call"]})
    assert issued.status == 201
    secret = issued.json.pop("secret")
    mine = Door(Client(headers={"Authorization": f"Api-Key {secret}"}))
    assert mine.get("calls/").status == 200
    assert mine.get("audit/").status == 403
    listed = integrator.get(f"api-keys/{issued.json['id']}/").json
    assert listed["scopes"] == ["place_call", "view_call"]
    assert secret not in json.dumps(integrator.get("api-keys/").json)
    assert integrator.delete(f"api-keys/{listed['id']}/").status == 204
    assert mine.get("calls/").status == 401
    assert integrator.delete(f"api-keys/{listed['id']}/").status == 409
    assert [each.action for each in AuditEntry.objects.all()] == ["revoke_key", "issue_key"]


def test_nobody_hands_out_more_than_they_may_do(key: Callable[..., Door]) -> None:
    clerk = key("add_apikey", "view_call")
    refused = clerk.post("api-keys/", {"name": "dialler", "scopes": ["view_call", "place_call"]})
    assert (refused.status, "place_call" in refused.error["message"]) == (403, True)
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": ["sing"]},
        {"name": "x", "scopes": []},
        {"name": "", "scopes": ["view_call"]},
        {"name": "x", "scopes": ["view_call"], "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "x", "scopes": "view_call"},
        {"name": "x"},
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(integrator: Door, body: dict[str, Any]) -> None:
    refused = integrator.post("api-keys/", body)
    assert refused.status == 400
    assert refused.error["fields"]
    assert ApiKey.objects.count() == 1


def test_the_audit_is_listed_newest_first_and_narrowed(integrator: Door) -> None:
    call = live_call()
    audit.record(Actor("user", "ana", "page", "192.0.2.7"), "hang_up", call=call)
    audit.record(Actor("user", "ben", "admin", "192.0.2.8"), "add_clip", target="Welcome")
    rows = integrator.get("audit/").json["results"]
    assert [(each["number"], each["text"]) for each in rows] == [(2, "ben added a clip"), (1, "ana hung up")]
    for question, number in (
        ({"actor": "AN"}, 1),
        ({"action": "add_clip"}, 2),
        ({"via": "admin"}, 2),
        ({"call": str(call.pk)}, 1),
    ):
        assert [each["number"] for each in integrator.get("audit/", **question).json["results"]] == [number]
    assert integrator.get("audit/", since="2999-01-01T00:00:00Z").json["results"] == []
    assert integrator.get("audit/", call="x").status == 400


def test_an_entry_tells_how_its_order_ended(integrator: Door, azure: Loopback) -> None:
    placed = integrator.post("calls/", {"callee": "+14255550123"}).json
    [entry] = integrator.get("audit/", call=placed["id"]).json["results"]
    assert (entry["action"], entry["outcome"], entry["address"]) == ("place", "accepted", "127.0.0.1")
    command = Call.objects.get(pk=placed["id"]).commands.get()
    command.state = "failed"
    command.save()
    assert integrator.get("audit/").json["results"][0]["outcome"] == "failed"


def test_who_may_see_calls_only_sees_no_audit(key: Callable[..., Door]) -> None:
    assert key("view_call").get("audit/").status == 403
