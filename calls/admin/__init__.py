"""The Django admin of what this portal knows: history to read, orders to calls, and what people set up."""

from django.contrib import admin
from django_tasks_db.models import DBTaskResult

from calls.admin.audit import AuditAdmin
from calls.admin.calls import CallAdmin
from calls.admin.clips import ClipAdmin
from calls.admin.history.recordings import RecordingAdmin, TakeAdmin
from calls.admin.history.rows import CommandAdmin, EventAdmin, InjectionAdmin, ParticipantAdmin, StreamAdmin
from calls.admin.keys import KeyAdmin
from calls.admin.people import PersonAdmin, RoleAdmin
from calls.admin.policies import PolicyAdmin

# Jobs have a page of their own, which also runs them again.
admin.site.unregister(DBTaskResult)

admin.site.site_title = "acsportal admin"
admin.site.site_header = "acsportal"
admin.site.index_title = "Admin"
admin.site.empty_value_display = "–"
admin.site.site_url = "/"

__all__ = [
    "AuditAdmin",
    "CallAdmin",
    "ClipAdmin",
    "CommandAdmin",
    "EventAdmin",
    "InjectionAdmin",
    "KeyAdmin",
    "ParticipantAdmin",
    "PersonAdmin",
    "PolicyAdmin",
    "RecordingAdmin",
    "RoleAdmin",
    "StreamAdmin",
    "TakeAdmin",
]
