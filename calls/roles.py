"""The four roles: what each may do. A migration makes them groups; a person may be in several."""

from collections.abc import Mapping
from typing import Any, Final

from calls.permissions import VERBS, VIEW

_SEE: Final = frozenset({VIEW, VERBS["view_clip"]})
_STEER: Final = frozenset(
    VERBS[verb]
    for verb in (
        "place",
        "answer",
        "reject",
        "redirect",
        "hang_up",
        "start_streaming",
        "stop_streaming",
        "speak",
        "stop_sound",
        "start_recording",
        "hear_recording",
        "start_transcript",
        "tag_call",
        "add_clip",
        "delete_clip",
    )
)
_OVERSEE: Final = frozenset(
    VERBS[verb]
    for verb in (
        "listen",
        "barge",
        "export",
        "delete_recording",
        "view_policy",
        "add_policy",
        "change_policy",
        "delete_policy",
        "view_audit",
        "view_operations",
    )
)
# Who administers makes people and puts them into groups.
_PEOPLE: Final = frozenset(
    {"auth.view_user", "auth.add_user", "auth.change_user", "auth.delete_user", "auth.view_group"}
)

ROLES: Final[Mapping[str, frozenset[str]]] = {
    "viewer": _SEE,
    "operator": _SEE | _STEER,
    "supervisor": _SEE | _STEER | _OVERSEE,
    "administrator": _SEE | _STEER | _OVERSEE | frozenset(VERBS.values()) | _PEOPLE,
}


def make_groups(group_model: Any, permission_model: Any) -> None:
    """Makes the groups that do not exist, and gives each the permissions of its role that it lacks.

    What a site has added to a group stays. A permission that is not known yet comes with a later migration.
    """
    known = {
        f"{each.content_type.app_label}.{each.codename}": each
        for each in permission_model.objects.select_related("content_type")
    }
    for role, permissions in ROLES.items():
        group, _ = group_model.objects.get_or_create(name=role)
        group.permissions.add(*(known[name] for name in sorted(permissions) if name in known))
