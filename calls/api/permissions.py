"""What who asks may do: the permissions of `calls.permissions`, the same for people and for API keys."""

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from calls.api.authentication import KeyHolder
from calls.errors import NotAllowed
from calls.permissions import scope


class MayUse(BasePermission):
    """Asks for the permission that the view's `needs` names for the method. What no view names, nobody may."""

    def has_permission(self, request: Request, view: View) -> bool:
        if not request.user.is_authenticated:
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
            return True  # answered 405, whoever asks
        needed = getattr(view, "needs", {}).get(method, "")
        if needed and request.user.has_perm(needed):
            return True
        raise NotAllowed(_refusal(request, needed))


def _refusal(request: Request, needed: str) -> str:
    holder = request.user
    if isinstance(holder, KeyHolder):
        return f"The API key {holder.key.name} lacks the scope {scope(needed)}. Use a key that has it."
    return f"Your account lacks the permission {scope(needed)}. Ask an administrator for it."
