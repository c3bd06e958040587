"""The pages that people see."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from calls.views.archive.annotations import call_notes, call_tags, delete_note, segment
from calls.views.archive.exports import export_call
from calls.views.archive.history import export_history, history
from calls.views.archive.search import export_search, search
from calls.views.audit import audit
from calls.views.call import call, call_do, call_event, place, redirect_call
from calls.views.clips import clip_audio, clips, delete_clip
from calls.views.design import design
from calls.views.operations import health, jobs, run_job_again
from calls.views.player import call_timeline
from calls.views.recording import call_recording
from calls.views.reports import reports, reports_csv
from calls.views.wall import wall

urlpatterns = [
    path("", wall, name="wall"),
    path("calls/", history, name="history"),
    path("calls/place/", place, name="place"),
    path("calls/export/", export_history, name="export_history"),
    path("calls/<uuid:call_id>/", call, name="call"),
    path("calls/<uuid:call_id>/do/<slug:verb>/", call_do, name="call_do"),
    path("calls/<uuid:call_id>/recording/", call_recording, name="call_recording"),
    path("calls/<uuid:call_id>/tags/", call_tags, name="call_tags"),
    path("calls/<uuid:call_id>/notes/", call_notes, name="call_notes"),
    path("calls/<uuid:call_id>/notes/<uuid:note_id>/delete/", delete_note, name="delete_note"),
    path("calls/<uuid:call_id>/export/", export_call, name="export_call"),
    path("calls/<uuid:call_id>/timeline/", call_timeline, name="call_timeline"),
    path("calls/<uuid:call_id>/redirect/", redirect_call, name="redirect_call"),
    path("calls/<uuid:call_id>/events/<uuid:event_id>/", call_event, name="call_event"),
    path("audit/", audit, name="audit"),
    path("clips/", clips, name="clips"),
    path("clips/<uuid:clip_id>/audio/", clip_audio, name="clip_audio"),
    path("clips/<uuid:clip_id>/delete/", delete_clip, name="delete_clip"),
    path("design/", design, name="design"),
    path("health/", health, name="health"),
    path("jobs/", jobs, name="jobs"),
    path("jobs/<uuid:job_id>/run/", run_job_again, name="run_job"),
    path("reports/", reports, name="reports"),
    path("reports/csv/", reports_csv, name="reports_csv"),
    path("search/", search, name="search"),
    path("search/export/", export_search, name="export_search"),
    path("segments/<uuid:segment_id>/", segment, name="segment"),
    path("login/", LoginView.as_view(template_name="login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
