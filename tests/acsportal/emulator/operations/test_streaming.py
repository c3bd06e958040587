"""Media streaming by order, in the states in which Azure refuses it."""

from typing import Any

from tests.acsportal.emulator.operations.asking import alone, answered, refused


def test_streaming_starts_once(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming(start_media_streaming=False))
    line.connection.start_media_streaming(operation_context="on")
    assert line.told("MediaStreamingStarted")["operationContext"] == "on"
    assert refused(line.connection.start_media_streaming) == (400, "8500")


def test_streaming_stops_only_when_it_runs(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming(start_media_streaming=False))
    assert refused(line.connection.stop_media_streaming) == (400, "8585")


def test_a_portal_that_refuses_the_socket_hears_that_streaming_failed(bench: Any) -> None:
    line = answered(bench, media_streaming=bench.streaming(start_media_streaming=False))
    bench.portal.refuses_sockets = True
    line.connection.start_media_streaming()
    assert line.result("MediaStreamingFailed") == (500, 8603)


def test_streaming_needs_its_options_at_set_up(bench: Any) -> None:
    assert refused(alone(bench).connection.start_media_streaming) == (400, "8581")
