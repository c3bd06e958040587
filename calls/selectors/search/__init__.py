"""Search across everything said: the words that people look for, the calls to look in, the passages found."""

from calls.selectors.search.finding import Wanted, calls_that, tag_names, tagged
from calls.selectors.search.language import Asked
from calls.selectors.search.results import CallFound, PassageJson, calls_found, newest_calls, passage_json, passages

__all__ = [
    "Asked",
    "CallFound",
    "PassageJson",
    "Wanted",
    "calls_found",
    "calls_that",
    "newest_calls",
    "passage_json",
    "passages",
    "tag_names",
    "tagged",
]
