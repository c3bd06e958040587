import pytest
from django.test import Client
from django.utils import timezone

from calls.models import AuditEntry, CallPolicy
from calls.recognisers import POCKETSPHINX
from tests.calls.scene import root, signed_in, staff, words

pytestmark = pytest.mark.django_db
ADD = "/admin/calls/callpolicy/add/"
FORM = {
    "name": "Support line",
    "position": "10",
    "enabled": "on",
    "callee_pattern": "+1800*",
    "caller_pattern": "*",
    "days": ["1", "2", "3", "4", "5", "6", "7"],
    "time_zone": "UTC",
    "action": "ring",
    "reject_reason": "busy",
    "channel_type": "mixed",
    "sample_rate_hz": "24000",
    "bidirectional": "on",
    "dtmf": "on",
    "streaming_start": "later",
    "recording_start": "later",
    "language": "en-US",
}


@pytest.fixture
def client() -> Client:
    CallPolicy.objects.all().delete()
    CallPolicy.objects.create(name="Everyone else", position=1000)
    return root()


def test_a_new_policy_takes_the_calls_it_is_for(client: Client) -> None:
    response = client.post(ADD, FORM, follow=True)
    assert response.redirect_chain
    policy = CallPolicy.first_match("+14255550123", "+18005550100", timezone.now())
    assert policy is not None
    assert (policy.name, policy.action, policy.profile.channel_type, policy.profile.start) == (
        "Support line",
        "ring",
        "mixed",
        "later",
    )
    assert (
        "24 kHz, all speakers in one stream, both ways, with keys, when somebody starts it" in response.content.decode()
    )


def test_numbers_may_be_grouped_as_people_write_them(client: Client) -> None:
    client.post(ADD, {**FORM, "callee_pattern": "+1 (800) 555-01*"})
    assert CallPolicy.objects.get(name="Support line").callee_pattern == "+180055501*"


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("1800*", "This never matches: numbers begin with + and the country code, such as +1800*."),
        ("sales", "This never matches: numbers begin with + and the country code, such as +1800*."),
        ("+1800#", "Use digits, +, * and ?, such as +1800*."),
        ("", "This field is required."),
    ],
)
def test_a_pattern_that_can_never_match_is_refused(client: Client, pattern: str, sentence: str) -> None:
    page = client.post(ADD, {**FORM, "callee_pattern": pattern}).content.decode()
    assert sentence in page
    assert not CallPolicy.objects.filter(name="Support line").exists()


@pytest.mark.parametrize("pattern", ["*", "?49*", "4:anonymous", "8:acs:*", "[+]49*"])
def test_wildcards_and_raw_ids_are_patterns_too(client: Client, pattern: str) -> None:
    client.post(ADD, {**FORM, "caller_pattern": pattern})
    assert CallPolicy.objects.get(name="Support line").caller_pattern == pattern


def test_a_policy_that_is_never_asked_is_named_with_the_one_before_it(client: Client) -> None:
    said = words(client.post(ADD, {**FORM, "position": "2000"}, follow=True))
    assert any("Support line is never asked: Everyone else stands before it" in each for each in said)
    said = words(client.post(ADD, {**FORM, "name": "Off", "position": "2000", "enabled": ""}, follow=True))
    assert not any("never asked" in each for each in said)


def test_positions_are_changed_in_the_list(client: Client) -> None:
    support = CallPolicy.objects.create(name="Support line", position=2000)
    last = CallPolicy.objects.get(name="Everyone else")
    client.post(
        "/admin/calls/callpolicy/",
        {
            "form-TOTAL_FORMS": "2",
            "form-INITIAL_FORMS": "2",
            "form-0-id": str(last.pk),
            "form-0-position": "3000",
            "form-0-enabled": "on",
            "form-1-id": str(support.pk),
            "form-1-position": "5",
            "form-1-enabled": "on",
            "_save": "Save",
        },
    )
    assert list(CallPolicy.objects.values_list("name", "position")) == [("Support line", 5), ("Everyone else", 3000)]


def test_who_may_only_view_policies_changes_none(client: Client) -> None:
    viewer = signed_in(staff("view_callpolicy"))
    policy = CallPolicy.objects.get()
    assert viewer.get(f"/admin/calls/callpolicy/{policy.pk}/change/").status_code == 200
    assert viewer.post(f"/admin/calls/callpolicy/{policy.pk}/change/", FORM).status_code == 403
    assert viewer.get(ADD).status_code == 403


def test_hours_are_kept_with_their_days_and_time_zone(client: Client) -> None:
    hours = {"days": ["1", "5"], "opens_at": "22:00", "closes_at": "06:00", "time_zone": "Europe/Berlin"}
    page = client.post(ADD, {**FORM, **hours}, follow=True).content.decode()
    assert CallPolicy.objects.get(name="Support line").hours == "Mon, Fri 22:00–06:00 Europe/Berlin"
    assert "Mon, Fri 22:00–06:00 Europe/Berlin" in page


def test_what_is_kept_is_chosen_and_shown_in_the_list(client: Client) -> None:
    page = client.get(ADD).content.decode()
    assert "Understands phrases of its list well and free speech poorly" in page
    kept = {
        "recording_start": "now",
        "recording_keep_days": "7",
        "recogniser": POCKETSPHINX,
        "phrases": " Contoso \n\nrouter",
    }
    page = client.post(ADD, {**FORM, **kept}, follow=True).content.decode()
    policy = CallPolicy.objects.get(name="Support line")
    assert (policy.recogniser, policy.phrase_list) == (POCKETSPHINX, ["Contoso", "router"])
    assert "recording for 7 days, transcript: On this machine (demo recogniser) (en-US)" in page


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"recogniser": "os.system"}, "Select a valid choice."),
        ({"language": "English please"}, "Give a language and perhaps a country, such as en-US or de-DE."),
        ({"phrases": "x" * 81}, "Give at most 200 phrases of at most 80 characters."),
        ({"recording_keep_days": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"opens_at": "09:00"}, "Give both hours, or none for all day."),
        ({"opens_at": "09:00", "closes_at": "09:00"}, "This is the hour at which it opens."),
        ({"time_zone": "Mars/Base"}, "There is no such time zone."),
        ({"days": []}, "This field is required."),
        ({"action": "redirect"}, "Give a number with + and country code"),
        ({"action": "redirect", "redirect_target": "the boss"}, "Give a number with + and country code"),
    ],
)
def test_what_could_never_work_is_said_at_its_field(client: Client, wrong: dict[str, object], sentence: str) -> None:
    assert sentence in client.post(ADD, {**FORM, **wrong}).content.decode()
    assert not CallPolicy.objects.filter(name="Support line").exists()


def test_the_admin_says_which_policy_would_take_a_call_and_why_no_other(client: Client) -> None:
    CallPolicy.objects.create(name="Sales", position=5, callee_pattern="+1888*")
    CallPolicy.objects.create(name="Night", position=6, action="reject", days="7")
    question = {"caller": "+49 30 1234567", "callee": "+1 (800) 555-0100", "at": "2026-11-20T12:00"}
    page = client.get("/admin/calls/callpolicy/which/", question).content.decode()
    assert "Everyone else takes it: answer at once" in page
    assert "The number called does not match +1888*." in page
    assert "It is closed then; it is open Sun UTC." in page
    sunday = client.get("/admin/calls/callpolicy/which/", {**question, "at": "2026-11-22T12:00"}).content.decode()
    assert "Night takes it: reject as busy" in sunday
    assert "Would, but one before it does." in sunday
    CallPolicy.objects.all().delete()
    assert (
        "No policy takes it, so it rings the operators"
        in client.get("/admin/calls/callpolicy/which/", question).content.decode()
    )
    assert client.get("/admin/calls/callpolicy/which/").status_code == 200
    assert signed_in(staff()).get("/admin/calls/callpolicy/which/").status_code == 403


def test_each_change_of_a_policy_is_in_the_audit(client: Client) -> None:
    client.post(ADD, FORM)
    policy = CallPolicy.objects.get(name="Support line")
    client.post(f"/admin/calls/callpolicy/{policy.pk}/change/", {**FORM, "position": "7"})
    client.post(f"/admin/calls/callpolicy/{policy.pk}/delete/", {"post": "yes"})
    deleted, changed, added = AuditEntry.objects.all()
    assert [each.action for each in (added, changed, deleted)] == ["add_policy", "change_policy", "delete_policy"]
    assert changed.facts == {"position": "10 → 7"}
    assert {(each.actor, each.via, each.target) for each in (added, changed, deleted)} == {
        ("root", "admin", "Support line")
    }
