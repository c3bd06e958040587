"""The pages that people see."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from calls.views.call import call, call_do, call_event, place
from calls.views.clips import clip_audio, clips, delete_clip
from calls.views.design import design
from calls.views.history import history
from calls.views.wall import wall

urlpatterns = [
    path("", wall, name="wall"),
    path("calls/", history, name="history"),
    path("calls/place/", place, name="place"),
    path("calls/<uuid:call_id>/", call, name="call"),
    path("calls/<uuid:call_id>/do/<slug:verb>/", call_do, name="call_do"),
    path("calls/<uuid:call_id>/events/<uuid:event_id>/", call_event, name="call_event"),
    path("clips/", clips, name="clips"),
    path("clips/<uuid:clip_id>/audio/", clip_audio, name="clip_audio"),
    path("clips/<uuid:clip_id>/delete/", delete_clip, name="delete_clip"),
    path("design/", design, name="design"),
    path("login/", LoginView.as_view(template_name="login.html", redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
