import pytest

from streaming.engines.contract import EngineError, SpeechSynthesizer, load


def test_an_engine_is_found_by_its_dotted_path() -> None:
    engine: SpeechSynthesizer = load("streaming.engines.espeak.Espeak")
    assert engine.name == "espeak-ng"
    assert engine.voices()


@pytest.mark.parametrize("path", ["", "Espeak", "streaming.engines.nowhere.Engine", "streaming.engines.espeak.Nobody"])
def test_an_engine_that_does_not_exist_is_refused_by_its_name(path: str) -> None:
    with pytest.raises(EngineError, match="There is no speech engine") as caught:
        load(path)
    assert repr(path) in str(caught.value)
    assert not caught.value.retryable
