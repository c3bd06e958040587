import pytest
from django.test import Client

from calls.models import CallPolicy
from tests.calls.scene import root, signed_in, staff, words

pytestmark = pytest.mark.django_db
ADD = "/admin/calls/callpolicy/add/"
FORM = {
    "name": "Support line",
    "position": "10",
    "enabled": "on",
    "callee_pattern": "+1800*",
    "caller_pattern": "*",
    "action": "ring",
    "channel_type": "mixed",
    "sample_rate_hz": "24000",
    "bidirectional": "on",
    "dtmf": "on",
    "streaming_start": "later",
}


@pytest.fixture
def client() -> Client:
    CallPolicy.objects.all().delete()
    CallPolicy.objects.create(name="Everyone else", position=1000)
    return root()


def test_a_new_policy_takes_the_calls_it_is_for(client: Client) -> None:
    response = client.post(ADD, FORM, follow=True)
    assert response.redirect_chain
    policy = CallPolicy.first_match("+14255550123", "+18005550100")
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
