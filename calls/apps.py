"""The app that knows calls."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

from calls.operations import search_index


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        post_migrate.connect(_look_after_search, sender=self, dispatch_uid="search index")


def _look_after_search(using: str, **_: Any) -> None:
    """A migration that changed the table of what was said has dropped its triggers on SQLite."""
    connection = connections[using]
    if connection.vendor == "sqlite" and "calls_segment" in connection.introspection.table_names():
        search_index.make(connection)
