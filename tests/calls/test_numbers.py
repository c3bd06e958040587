import pytest

from calls.numbers import number_text, raw_id_kind, raw_id_number, raw_id_text

ACS_USER = "8:acs:6d889502-3d7a-41a8-befa-d21fd80e8767_00000031-44bb-d83b-23e1-6f8ded7cfe24"
GUID = "6d889502-3d7a-41a8-befa-d21fd80e8767"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("+14255550123", "+1 425 555 0123"),
        ("+18005550100", "+1 800 555 0100"),
        ("+442079460018", "+44 20 7946 0018"),
        ("+441134960000", "+44 113 496 0000"),
        ("+441632960123", "+44 1632 960123"),
        ("+447700900123", "+44 7700 900123"),
        ("+448081570192", "+44 808 157 0192"),
        ("+4930123456", "+49 30 123456"),
        ("+4915112345678", "+49 151 12345678"),
        ("+4962211234567", "+49 6221 1234567"),
        ("+33123456789", "+33 1 23 45 67 89"),
        ("+34912345678", "+34 912 345 678"),
        ("+61412345678", "+61 412 345 678"),
        ("+61298765432", "+61 2 9876 5432"),
        ("+74951234567", "+7 495 123 4567"),
        ("+41441234567", "+41 441 234 567"),
        ("+353861234567", "+353 861 234 567"),
        ("+35235270000", "+352 352 700 00"),
        ("+12345678", "+1 234 5678"),
    ],
)
def test_numbers_are_grouped_as_people_read_them(number: str, text: str) -> None:
    assert number_text(number) == text
    assert text.replace(" ", "") == number


@pytest.mark.parametrize("other", ["911", "+1", "+0123456789", "sip:ana@example.com", "+1425555O123", "+١٢٣٤٥٦٧٨"])
def test_what_is_no_full_number_stays_as_it_is(other: str) -> None:
    assert number_text(other) == other


@pytest.mark.parametrize("hidden", [None, "", "anonymous", "Anonymous"])
def test_a_hidden_number_is_an_anonymous_caller(hidden: str | None) -> None:
    assert number_text(hidden) == "Anonymous caller"


@pytest.mark.parametrize(
    ("raw_id", "kind", "number", "text"),
    [
        ("4:+14255550123", "phone", "+14255550123", "+1 425 555 0123"),
        ("4:+14255550123_f3ba9014-6dca-4456-8ec0-fa03cfa2b7b7", "phone", "+14255550123", "+1 425 555 0123"),
        ("4:anonymous", "phone", None, "Anonymous caller"),
        ("4:911", "phone", "911", "911"),
        (ACS_USER, "acs_user", None, "ACS user …7cfe24"),
        (f"8:gcch-acs:{GUID}_{GUID}", "acs_user", None, "ACS user …0e8767"),
        (f"8:acs:{GUID}_agent-tom", "acs_user", None, "agent-tom"),
        (f"8:acs:{GUID}_{GUID}_{GUID}", "teams_user", None, "Teams user …0e8767"),
        (f"8:orgid:{GUID}", "teams_user", None, "Teams user …0e8767"),
        ("8:teamsvisitor:abcdef123", "teams_user", None, "Teams user …def123"),
        (f"28:orgid:{GUID}", "teams_app", None, "Teams app …0e8767"),
        ("mixed", "unknown", None, "Participant …mixed"),
        ("", "unknown", None, "Unknown caller"),
    ],
)
def test_a_raw_id_says_who_is_on_the_line(raw_id: str, kind: str, number: str | None, text: str) -> None:
    assert (raw_id_kind(raw_id), raw_id_number(raw_id), raw_id_text(raw_id)) == (kind, number, text)
