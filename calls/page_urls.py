"""The pages that people see."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from calls.views.audit import audit
from calls.views.call import call, call_do, call_event, place, redirect_call
from calls.views.clips import clip_audio, clips, delete_clip
from calls.views.design import design
from calls.views.history import history
from calls.views.operations import health, jobs, run_job_again
from calls.views.wall import wall

urlpatterns = [
    path("", wall, name="wall"),
    path("calls/", history, name="history"),
    path("calls/place/", place, name="place"),
    path("calls/<uuid:call_id>/", call, name="call"),
    path("calls/<uuid:call_id>/do/<slug:verb>/", call_do, name="call_do"),
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
    path("login/", LoginView.as_view(template_name="login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
