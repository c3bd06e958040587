"""What can be asked of the search and of exports, as parameters of the address; and the shapes of what people added."""

from datetime import datetime
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError as FieldFault
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    Field,
    FloatField,
    IntegerField,
    ListField,
    Serializer,
    UUIDField,
    ValidationError,
)

from calls.api.bodies import Body
from calls.api.filters import MomentField
from calls.exports import FORMATS, Audio, Options
from calls.models import Call
from calls.selectors.search import Wanted
from calls.selectors.search.language import LONGEST
from calls.services.transcripts.annotations import LONGEST_NOTE, LONGEST_TAG, LONGEST_TEXT

LONGEST_S: Final = 7 * 86_400
PAGING: Final = frozenset({"cursor", "page_size"})


@extend_schema_field(DateTimeField)
class Moment(Field[datetime, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> datetime:
        try:
            found = MomentField(required=False).clean(str(data))
        except FieldFault as error:
            raise ValidationError(list(error.messages)) from error
        if found is None:
            raise ValidationError("Give a time in ISO 8601, such as 2026-11-20T10:00:00Z.")
        return found


class CallsAsked(Body):
    """Which calls; what is left out narrows nothing."""

    since = Moment(required=False, help_text="Calls that came at or after this time.")
    until = Moment(required=False, help_text="Calls that came before this time.")
    number = CharField(required=False, max_length=128, help_text="Any part of the caller's or the callee's number.")
    participant = CharField(
        required=False, max_length=256, help_text="Who said it: caller, callee, or part of a name, number or raw id."
    )
    min_duration_s = FloatField(required=False, min_value=0, max_value=LONGEST_S)
    max_duration_s = FloatField(required=False, min_value=0, max_value=LONGEST_S)
    policy = CharField(required=False, max_length=80, help_text="Its name.")
    tag = ListField(
        child=CharField(max_length=LONGEST_TAG), required=False, max_length=10, help_text="All of them, as tag=a&tag=b."
    )
    direction = ChoiceField(choices=Call.Direction.choices, required=False)
    about = CharField(required=False, max_length=128, help_text="Part of a number, a name, the policy or the end.")

    def wanted(self) -> Wanted:
        said: dict[str, Any] = dict(self.validated_data)
        return Wanted(
            q=said.get("q", ""),
            since=said.get("since"),
            until=said.get("until"),
            number=said.get("number", ""),
            participant=said.get("participant", ""),
            min_s=said.get("min_duration_s"),
            max_s=said.get("max_duration_s"),
            policy=said.get("policy", ""),
            tags=tuple(said.get("tag", ())),
            direction=said.get("direction", ""),
            state=said.get("state", ""),
            about=said.get("about", ""),
        )


class SearchAsked(CallsAsked):
    q = CharField(max_length=LONGEST, help_text='What was said: words (all of them), "a phrase", -without, prefix*.')


class Listed(CharField):
    """Several words, with commas or as several parameters of one name."""

    def get_value(self, dictionary: Any) -> Any:
        given = dictionary.getlist(str(self.field_name)) if isinstance(dictionary, QueryDict) else []
        return ",".join(given) if given else super().get_value(dictionary)


class ExportAsked(Body):
    """In which shape, and what is left out of it."""

    format = ChoiceField(choices=[(name, name) for name in FORMATS])
    redact = Listed(
        required=False, help_text="digits, numbers or both, with a comma: digits that were said; phone numbers."
    )
    lang = CharField(required=False, max_length=20, help_text="Passages in this language alone, such as en or en-US.")
    final = BooleanField(required=False, default=True, help_text="False: what was never finished as well.")
    audio = ChoiceField(
        choices=[(each.value, each.value) for each in Audio],
        required=False,
        help_text="In a zip; left out: stereo, where that may be.",
    )
    bom = BooleanField(required=False, default=False, help_text="CSV begins with a byte order mark, as Excel wants it.")

    def validate_redact(self, value: str) -> frozenset[str]:
        words = frozenset(each.strip() for each in value.split(",") if each.strip())
        if not words <= {"digits", "numbers"}:
            raise ValidationError("It may be digits, numbers, or digits,numbers.")
        return words

    def options(self) -> Options:
        said = self.validated_data
        hidden = said.get("redact", frozenset())
        return Options(
            format=said["format"],
            digits="digits" in hidden,
            numbers="numbers" in hidden,
            language=said.get("lang", ""),
            final=said["final"],
            audio=Audio(said["audio"]) if "audio" in said else None,
            bom=said["bom"],
        )


class CallsExportAsked(CallsAsked, ExportAsked):
    q = CharField(required=False, max_length=LONGEST, help_text="Calls on which this was said.")
    state = ChoiceField(choices=[("live", "live"), *Call.State.choices], required=False)


Question = TypeVar("Question", bound=Body)


def asked_in(query: QueryDict, kind: type[Question], *, beside: frozenset[str] = frozenset()) -> Question:
    """The parameters of an address, read as strictly as a body; empty ones count as left out. `beside` may stand there
    as well. Raises ValidationError."""
    given = QueryDict(mutable=True)
    for name, values in query.lists():
        if name not in beside and any(values):
            given.setlist(name, [each.replace("\0", " ") for each in values])
    question = kind(data=given)
    question.is_valid(raise_exception=True)
    return question


class TagBody(Body):
    name = CharField(max_length=200, help_text=f"At most {LONGEST_TAG} signs.")


class NoteBody(Body):
    text = CharField(max_length=LONGEST_NOTE)
    about_s = FloatField(required=False, allow_null=True, help_text="The second of the call that it is about.")


class CorrectionBody(Body):
    text = CharField(max_length=LONGEST_TEXT, help_text="What was really said; what was recognised takes it back.")


class TagsShape(Serializer[Any]):
    tags = ListField(child=CharField(), help_text="By name.")


class NoteShape(Serializer[Any]):
    id = UUIDField()
    call = UUIDField()
    text = CharField()
    about_s = FloatField(allow_null=True, help_text="The second of the call that it is about; null for all of it.")
    author = CharField()
    created_at = DateTimeField()


class PassageShape(Serializer[Any]):
    call = UUIDField()
    segment = UUIDField()
    snippet = CharField(help_text="HTML: the text escaped, and what was found in `<mark>`.")
    start_s = FloatField(help_text="Seconds since the call connected.")
    end_s = FloatField()
    raw_id = CharField()
    speaker = CharField()
    said_at = DateTimeField()
    language = CharField()
    corrected = BooleanField()
    rank = IntegerField(help_text="How often it says what was asked for.")
    url = CharField(help_text="Path of the call's page at this second.")
