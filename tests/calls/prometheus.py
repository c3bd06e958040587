"""What /metrics says now, after this process has taken its figures."""

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from calls.operations.figures import read_process
from streaming.figures import totals


def figures() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    read_process(totals.reading())
    text = Client().get("/metrics").content.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(name: str, **labels: str) -> float:
    return figures().get((f"acsportal_{name}", frozenset(labels.items())), 0.0)
