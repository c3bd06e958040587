"""The Django admin of what this portal knows: history to read, orders to calls, and what people set up."""

from django.contrib import admin

from calls.admin.calls import CallAdmin
from calls.admin.clips import ClipAdmin
from calls.admin.history import CommandAdmin, EventAdmin, InjectionAdmin, ParticipantAdmin, StreamAdmin
from calls.admin.keys import KeyAdmin
from calls.admin.policies import PolicyAdmin

admin.site.site_title = "acsportal admin"
admin.site.site_header = "acsportal"
admin.site.index_title = "Admin"
admin.site.empty_value_display = "–"
admin.site.site_url = "/"

__all__ = [
    "CallAdmin",
    "ClipAdmin",
    "CommandAdmin",
    "EventAdmin",
    "InjectionAdmin",
    "KeyAdmin",
    "ParticipantAdmin",
    "PolicyAdmin",
    "StreamAdmin",
]
