"""The addresses under /api/."""

from django.urls import path, re_path

from calls.api.views import calls, docs, kept, records, sounds

app_name = "api"

_CALL = "v1/calls/<uuid:call_id>"

urlpatterns = [
    path("schema/", docs.Schema.as_view(), name="schema"),
    path("docs/", docs.Docs.as_view(), name="docs"),
    path("v1/calls/", calls.Calls.as_view(), name="calls"),
    path(f"{_CALL}/", calls.OneCall.as_view(), name="call"),
    path(f"{_CALL}/answer/", calls.Answer.as_view(), name="answer"),
    path(f"{_CALL}/reject/", calls.Reject.as_view(), name="reject"),
    path(f"{_CALL}/redirect/", calls.Redirect.as_view(), name="redirect"),
    path(f"{_CALL}/hang-up/", calls.HangUp.as_view(), name="hang_up"),
    path(f"{_CALL}/streaming/start/", calls.StartStreaming.as_view(), name="start_streaming"),
    path(f"{_CALL}/streaming/stop/", calls.StopStreaming.as_view(), name="stop_streaming"),
    path(f"{_CALL}/injections/", sounds.Injections.as_view(), name="injections"),
    path(f"{_CALL}/injections/stop/", sounds.StopSound.as_view(), name="stop_sound"),
    path(f"{_CALL}/events/", records.Events.as_view(), name="events"),
    path(f"{_CALL}/timeline/", records.Timeline.as_view(), name="timeline"),
    path(f"{_CALL}/commands/", records.Commands.as_view(), name="commands"),
    path(f"{_CALL}/streams/", records.StreamsOfCall.as_view(), name="streams_of_call"),
    path("v1/commands/<uuid:command_id>/", records.OneCommand.as_view(), name="command"),
    path("v1/injections/<uuid:injection_id>/", sounds.OneInjection.as_view(), name="injection"),
    path("v1/streams/", records.Streams.as_view(), name="streams"),
    path("v1/streams/<uuid:stream_id>/", records.OneStream.as_view(), name="stream"),
    path("v1/clips/", sounds.Clips.as_view(), name="clips"),
    path("v1/clips/<uuid:clip_id>/", sounds.OneClip.as_view(), name="clip"),
    path("v1/clips/<uuid:clip_id>/audio/", sounds.ClipAudio.as_view(), name="clip_audio"),
    path("v1/policies/", kept.Policies.as_view(), name="policies"),
    path("v1/policies/match/", kept.PolicyMatch.as_view(), name="policy_match"),
    path("v1/policies/<int:policy_id>/", kept.OnePolicy.as_view(), name="policy"),
    path("v1/api-keys/", kept.Keys.as_view(), name="api_keys"),
    path("v1/api-keys/<uuid:key_id>/", kept.OneKey.as_view(), name="api_key"),
    path("v1/audit/", kept.Audit.as_view(), name="audit"),
    # Whatever else, line breaks included.
    re_path(r"^(?P<rest>[\s\S]*)\Z", docs.no_such_address, name="no_such_address"),
]
