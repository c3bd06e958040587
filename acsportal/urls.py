"""Every HTTP door of the portal."""

from django.contrib import admin
from django.urls import include, path

from calls import doors
from calls.api import urls as api
from calls.operations import probes
from streaming.recording import doors as recording_doors

handler500 = "calls.views.faults.failed"

urlpatterns = [
    path("acs/events/", doors.grid_events, name="grid_events"),
    path("acs/callbacks/<str:token>/", doors.callbacks, name="callbacks"),
    path("ws/<path:rest>", doors.upgrade_required, name="upgrade_required"),
    path("livez", probes.livez, name="livez"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.figures, name="metrics"),
    path("admin/", admin.site.urls),
    # The API's own end with whatever is no address at all.
    path("api/", include(([*recording_doors.urlpatterns, *api.urlpatterns], api.app_name))),
    path("", include("calls.page_urls")),
]
