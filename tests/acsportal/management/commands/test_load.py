"""The command's own part: its options. What it does is in tests/acsportal/test_load.py."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def test_more_calls_than_the_emulator_remembers_are_refused() -> None:
    with pytest.raises(CommandError, match="it may be 1 to 500"):
        call_command("load", "--streams", "501", stdout=StringIO())


def test_a_portal_elsewhere_is_loaded_only_if_that_is_meant() -> None:
    elsewhere = ["--portal", "http://192.0.2.1", "--emulator", "http://127.0.0.1:9"]
    with pytest.raises(CommandError, match="add --anywhere"):
        call_command("load", *elsewhere, stdout=StringIO())
    with pytest.raises(CommandError, match="The emulator does not answer"):
        call_command("load", *elsewhere, "--anywhere", stdout=StringIO())
