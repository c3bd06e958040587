"""Rows that belong to a call, and are seen by whoever sees the call."""

from typing import Any

from django.db import models

from calls.visibility import Viewer, sight_of


class SeenQuerySet(models.QuerySet[Any]):
    def visible_to(self, viewer: Viewer) -> "SeenQuerySet":
        return sight_of(viewer).of(self)


SeenManager = models.Manager.from_queryset(SeenQuerySet)
