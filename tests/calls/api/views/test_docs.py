import shutil
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from calls.models import Call
from tests.calls.scene import live_call

DOCS = "/api/docs/"


@pytest.mark.django_db
def test_a_stranger_signs_in_first() -> None:
    response = Client().get(DOCS)
    assert (response.status_code, response.headers["Location"]) == (302, f"/login/?next={DOCS}")
    assert Client().get(DOCS, {"script": ""}).status_code == 302


@pytest.mark.django_db
def test_the_page_loads_from_this_portal_alone_and_runs_no_inline_script(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    response = client.get(DOCS)
    page = response.content.decode()
    assert response.status_code == 200
    assert "'self'" in response.headers["Content-Security-Policy"]
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
    assert "<script>" not in page
    assert "style=" not in page
    script = client.get(DOCS, {"script": ""})
    assert "no-store" in script.headers["Cache-Control"]  # it holds the person's CSRF token
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in script.content.decode().replace("\\u002D", "-")


@pytest.fixture
def call(live_server: Any) -> Call:
    """Made before the browser starts: beside it Django would refuse to ask the database."""
    return live_call()


@pytest.fixture
def page(lacks: Callable[[str], NoReturn], live_server: Any, operator: User, call: Call) -> Iterator[Page]:
    """A signed-in person's Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        lacks("Chromium")
    client = Client()
    client.force_login(operator)
    session = client.cookies["sessionid"].value
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as running,
    ):
        context = running.new_context(base_url=live_server.url)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        yield context.new_page()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_chromium_shows_every_operation_and_finds_no_fault_with_our_csp(page: Page, call: Call) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.goto(DOCS)
    page.wait_for_selector("#operations-calls-calls_hang_up")
    assert page.locator(".opblock").count() == 70
    read = page.locator("#operations-calls-calls_retrieve")
    read.locator(".opblock-summary-control").click()
    read.get_by_role("button", name="Try it out").click()
    read.locator("input[placeholder=call_id]").fill(str(call.pk))
    read.get_by_role("button", name="Execute").click()
    read.locator(".live-responses-table .response .microlight", has_text=str(call.pk)).first.wait_for()
    order = page.locator("#operations-calls-calls_answer")
    order.locator(".opblock-summary-control").click()
    order.get_by_role("button", name="Try it out").click()
    order.locator("input[placeholder=call_id]").fill(str(call.pk))
    order.get_by_role("button", name="Execute").click()
    # 409, not 403: the page's script sends the CSRF token.
    order.locator(".live-responses-table .response-col_status", has_text="409").first.wait_for()
    assert [each for each in complaints if "409" not in each] == []
