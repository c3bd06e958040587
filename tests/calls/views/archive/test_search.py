"""The search page: with and without a script, and in Chromium from a typed word to the second of the call."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from calls.models import Call
from calls.services import Actor
from calls.services.transcripts.annotations import tag_call
from tests.calls.scene import signed_in
from tests.calls.transcripts_scene import spoken_call

ANA = Actor("user", "ana", "page")


@pytest.fixture
def operator(db: None) -> User:
    person = User.objects.create_user("dana")
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="calls"))
    return person


@pytest.fixture
def client(operator: User) -> Client:
    return signed_in(operator)


def page_of(client: Client, **query: str) -> str:
    answer = client.get("/search/", query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_without_a_question_the_page_says_what_can_be_asked(client: Client) -> None:
    page = page_of(client)
    assert "Find what somebody said" in page
    assert "Export" not in page


def test_passages_lead_to_their_second_and_are_escaped(client: Client) -> None:
    call = spoken_call("I was <b>charged</b> twice.", "Charged again?")
    tag_call(ANA, call, "Angry")
    page = page_of(client, q="charged")
    assert "<strong>2 passages</strong> in 1 call" in page
    assert "I was &lt;b&gt;<mark>charged</mark>&lt;/b&gt; twice." in page
    assert f'href="/calls/{call.pk}/?t=5.0"' in page
    assert "Export 1 call" in page
    assert '<li class="tag">Angry</li>' in page


def test_filters_alone_list_calls_and_nonsense_narrows_nothing(client: Client) -> None:
    tag_call(ANA, spoken_call("Hello."), "Angry")
    assert "<strong>1 call</strong>" in page_of(client, tag="Angry")
    assert "No call fits" in page_of(client, number="999")
    assert "Nobody said that on these calls" in page_of(client, q="zebra", number="425")
    assert "<strong>1 passage</strong>" in page_of(client, q="hello", since="no day", longer="x", page="-3", sort="?")


def test_before_anything_was_written_down_the_page_says_how_to_begin(client: Client) -> None:
    assert "Nothing was written down yet" in page_of(client, q="hello")


def test_a_part_of_the_page_brings_its_export_along(client: Client) -> None:
    spoken_call("Hello.")
    part = client.get("/search/", {"q": "hello"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert 'hx-swap-oob="true"' in part


def test_who_may_not_export_is_not_offered_it(db: None) -> None:
    spoken_call("Hello.")
    viewer = User.objects.create_user("vera")
    viewer.user_permissions.set(Permission.objects.filter(codename="view_call"))
    client = signed_in(viewer)
    assert "Export" not in page_of(client, q="hello")
    assert client.get("/search/export/", {"q": "hello", "format": "json"}).status_code == 403


@pytest.fixture
def call(transactional_db: None) -> Call:
    return spoken_call("Hello there.", "I was charged twice.")


@pytest.fixture
def page(lacks: Callable[[str], NoReturn], live_server: Any, operator: User, call: Call) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        lacks("Chromium")
    session = signed_in(operator).cookies["sessionid"].value
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as running,
    ):
        context = running.new_context(base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        yield context.new_page()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_from_a_typed_word_to_the_second_of_the_call(page: Page, call: Call) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/clips/")
    page.keyboard.press("/")
    page.wait_for_url("**/search/")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("/")
    page.keyboard.type("charged tw*")
    page.locator(".passage mark", has_text="charged twice").click()
    page.wait_for_url(f"**/calls/{call.pk}/?t=15.0")
    page.get_by_role("button", name="Tag", exact=True).click()
    page.fill("#tag-name", "very angry")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-tag='very angry']")
    page.fill(".note-form textarea", "Promised a letter.")
    page.fill("#note-about", "1:05")
    page.click(".note-form button")
    page.wait_for_selector("[data-note] >> text=1:05.0")
    turn = page.locator(".turn", has_text="charged twice")
    turn.hover()
    turn.locator(".turn-verb").click()
    page.fill(".correcting textarea", "I was charged thrice.")
    page.click(".correcting .primary")
    page.wait_for_selector(".turn >> text=corrected by dana")
    page.click("[data-tag='very angry'] button")
    page.wait_for_selector("[data-tag='very angry']", state="detached")
    page.click(".export > summary")
    page.select_option(".export select[name=format]", "vtt")
    with page.expect_download() as download:
        page.click(".export form button")
    assert "I was charged thrice." in download.value.path().read_text()
    assert complaints == []
