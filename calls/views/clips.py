"""Stored sounds: listen, add, delete."""

from pathlib import PurePosixPath
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls import services
from calls.errors import CallError
from calls.forms import ClipUploadForm
from calls.models import Clip
from calls.permissions import VERBS
from calls.selectors import clip_json
from calls.services import Actor
from calls.views.page import permitted, render_page, tell

TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg"}


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(VERBS["view_clip"])
def clips(request: HttpRequest) -> HttpResponse:
    form = ClipUploadForm()
    if request.method == "POST":
        form = ClipUploadForm(request.POST, request.FILES)
        if not request.user.has_perm(VERBS["add_clip"]):
            messages.error(request, "You may not add clips. Ask for the permission to add clips.")
        elif form.is_valid() and _add(request, form):
            return redirect("clips")
    shown = [clip_json(each) for each in Clip.objects.all()]
    return render_page(request, "clips.html", "clips", {"clips": shown, "form": form}, 400 if form.errors else 200)


def _add(request: HttpRequest, form: ClipUploadForm) -> bool:
    try:
        clip = services.add_clip(Actor.of(request), form.cleaned_data["name"], form.cleaned_data["audio"])
    except CallError as error:
        for name, fault in error.fields.items():
            form.add_error(name if name in form.fields else None, fault)
        if not error.fields:
            form.add_error(None, error.message)
        return False
    messages.success(request, f"{clip.name} is stored and can be played into any call.")
    return True


@require_POST
@permitted(VERBS["delete_clip"])
def delete_clip(request: HttpRequest, clip_id: UUID) -> HttpResponse:
    clip = get_object_or_404(Clip, pk=clip_id)
    name = clip.name
    try:
        services.delete_clip(Actor.of(request), clip)
    except CallError as error:
        tell(request, error)
    else:
        messages.success(request, f"{name} is deleted.")
    return redirect("clips")


@require_safe
@permitted(VERBS["view_clip"])
def clip_audio(request: HttpRequest, clip_id: UUID) -> HttpResponse | FileResponse:
    """The stored file, for the page's player."""
    clip = get_object_or_404(Clip, pk=clip_id)
    extension = PurePosixPath(str(clip.audio)).suffix
    response = FileResponse(clip.audio.open("rb"), content_type=TYPES.get(extension, "application/octet-stream"))
    response["Cache-Control"] = "private, max-age=3600"
    return response
