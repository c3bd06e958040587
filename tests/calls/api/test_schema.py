"""The schema is complete, and what it promises is kept by every answer that chance can provoke."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.cache import cache
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from calls.models import ApiKey, Command, Injection, StreamSession
from calls.permissions import GRANTABLE, scope
from calls.services import PORTAL, add_clip
from tests.calls.api.door import Door
from tests.calls.scene import ended_call, live_call, upload
from tests.rings import count_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CHANCE = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def test_the_schema_is_valid_and_without_a_warning(tmp_path: Path) -> None:
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yaml"))
    assert "hang-up" in (tmp_path / "schema.yaml").read_text()


def described(door: Door) -> dict[str, Any]:
    response = door.client.get("/api/schema/", headers={"Accept": "application/json"})
    assert response.status_code == 200
    found: dict[str, Any] = json.loads(response.content)
    return found


@pytest.mark.django_db
def test_the_schema_is_for_those_who_have_a_key_or_are_signed_in(integrator: Door) -> None:
    assert Door(Client()).get("/api/schema/").status == 401
    assert described(integrator)["info"]["title"] == "acsportal"


@pytest.mark.django_db
def test_each_operation_has_a_name_a_summary_and_its_refusals(integrator: Door) -> None:
    schema = described(integrator)
    assert all(path.startswith("/api/v1/") for path in schema["paths"])
    names = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            assert operation["summary"], path
            assert operation["security"] == [{"apiKey": []}, {"browserSession": []}]
            assert {"401", "403", "429", "503"} <= set(operation["responses"])
            if method == "post":
                assert {"400", "413", "415"} <= set(operation["responses"])
            if "{" in path:
                assert "404" in operation["responses"]
    assert len(names) == len(set(names))
    assert {"calls_list", "calls_create", "calls_hang_up", "calls_streaming_start", "clips_destroy"} <= set(names)


@pytest.fixture
def world(transactional_db: None) -> dict[str, list[str]]:
    """Something behind each kind of id."""
    call, over = live_call(), ended_call()
    clip = add_clip(PORTAL, "Hold", upload())
    sound = Injection.objects.create(call=call, kind="clip", clip=clip, name="Hold", asked_by="dana")
    return {
        "call_id": [str(call.pk), str(over.pk)],
        "clip_id": [str(clip.pk)],
        "injection_id": [str(sound.pk)],
        "command_id": [str(each) for each in Command.objects.values_list("pk", flat=True)],
        "stream_id": [str(each) for each in StreamSession.objects.values_list("pk", flat=True)],
    }


def provoke(ids: dict[str, list[str]], examples: int) -> int:
    """Sends `examples` requests to each operation, half of them wrong on purpose, and checks each answer."""
    _, secret = ApiKey.issue("chance", [scope(each) for each in GRANTABLE])
    headers = {"Authorization": f"Api-Key {secret}"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application(), headers=headers)
    answers: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

        @settings(CHANCE, max_examples=examples)
        @given(case=st.one_of(right, wrong), luck=st.data())
        def send(case: "schemathesis.Case[Any]", luck: Any) -> None:
            cache.clear()  # so that nobody is throttled
            for name in set(case.path_parameters or {}) & set(ids):
                case.path_parameters[name] = luck.draw(st.sampled_from([*ids[name], case.path_parameters[name]]))
            response = case.call_and_validate(headers=headers, checks=CHECKS)
            answers[response.status_code] += 1

        send()
    assert answers[200]
    assert answers[202]
    assert answers[400]
    return answers.total()


@pytest.mark.usefixtures("azure")
def test_no_answer_surprises(world: dict[str, list[str]]) -> None:
    assert provoke(world, 6) > 100


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("azure")
def test_no_answer_surprises_in_many_tries(world: dict[str, list[str]]) -> None:
    assert provoke(world, count_of(300, 20)) > 500
