"""What a client accepts is remembered only where it is short."""

from madeira.app.codecs.formats import FORMATS, JSON
from madeira.app.http.negotiation import MAX_CACHED_ACCEPT, _known_preferred, answer_format
from tests.app.streams import ARROW


def test_a_long_header_is_understood_and_not_kept() -> None:
    _known_preferred.cache_clear()
    for number in range(10):
        accept = f"text/x{number}{'y' * MAX_CACHED_ACCEPT}, {ARROW}"
        assert answer_format({"accept": accept}, JSON) is FORMATS[ARROW]
    assert _known_preferred.cache_info().currsize == 0
    assert answer_format({"accept": ARROW}, JSON) is FORMATS[ARROW]
    assert _known_preferred.cache_info().currsize == 1
