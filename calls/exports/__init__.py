"""Calls as files: one module per format, each a generator over rows that knows neither requests nor the database."""

from calls.exports.exporting import Exported, export_calls
from calls.exports.options import FORMATS, Audio, Options

__all__ = ["FORMATS", "Audio", "Exported", "Options", "export_calls"]
