"""Stored sounds: listen, add, delete."""

import re
from pathlib import PurePosixPath
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from calls import services
from calls.errors import CallError
from calls.forms import ClipUploadForm, show_fault
from calls.models import Clip
from calls.permissions import VERBS
from calls.selectors import clip_json
from calls.services import Actor
from calls.views.page import permitted, render_page, tell

TYPES = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg"}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)


@require_http_methods(["GET", "HEAD", "POST"])
@permitted(VERBS["view_clip"])
def clips(request: HttpRequest) -> HttpResponse:
    form = ClipUploadForm()
    if request.method == "POST":
        form = ClipUploadForm(request.POST, request.FILES)
        if not request.user.has_perm(VERBS["add_clip"]):
            raise PermissionDenied(VERBS["add_clip"])
        if form.is_valid() and _add(request, form):
            return redirect("clips")
    shown = [clip_json(each) for each in Clip.objects.all()]
    return render_page(request, "clips.html", "clips", {"clips": shown, "form": form}, 400 if form.errors else 200)


def _add(request: HttpRequest, form: ClipUploadForm) -> bool:
    try:
        clip = services.add_clip(Actor.of(request), form.cleaned_data["name"], form.cleaned_data["audio"])
    except CallError as error:
        show_fault(form, error)
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
    return audio_of(get_object_or_404(Clip, pk=clip_id), request)


def audio_of(clip: Clip, request: HttpRequest) -> HttpResponse | FileResponse:
    """A clip's file, or the part that a player asks for when it seeks (one range, RFC 9110, 14): 200, 206 or 416."""
    kind = TYPES.get(PurePosixPath(str(clip.audio)).suffix, "application/octet-stream")
    etag, size = f'"{clip.pk}"', clip.audio.size  # a clip's file never changes
    part = part_of(request, size, etag)
    response: HttpResponse | FileResponse
    if part is None:
        response = FileResponse(clip.audio.open("rb"), content_type=kind)
    elif not part:
        response = HttpResponse(status=416, content_type=kind, headers={"Content-Range": f"bytes */{size}"})
    else:
        with clip.audio.open("rb") as file:
            file.seek(part.start)
            response = HttpResponse(file.read(len(part)), status=206, content_type=kind)
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    response["Accept-Ranges"], response["ETag"] = "bytes", etag
    response["Cache-Control"] = "private, max-age=3600"
    return response


def part_of(request: HttpRequest, size: int, etag: str) -> range | None:
    """The bytes that are asked for; empty if there are none such; None for the whole file.

    Several ranges, other units and nonsense are answered with the whole file, as the RFC allows.
    """
    asked = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    unchanged = request.headers.get("If-Range", etag) == etag
    if request.method != "GET" or asked is None or not unchanged:
        return None
    first, last = asked.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return range(int(first), min(size, int(last) + 1 if last else size))
    if last:
        return range(max(0, size - int(last)), size)
    return None
