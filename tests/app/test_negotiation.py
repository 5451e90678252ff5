"""What a client accepts is remembered only where it is short."""

from madeira.app.api.negotiation import MAX_CACHED_ACCEPT, Format, _known_preferred, answer_format


def test_a_long_header_is_understood_and_not_kept() -> None:
    _known_preferred.cache_clear()
    for number in range(10):
        accept = f"text/x{number}{'y' * MAX_CACHED_ACCEPT}, {Format.ARROW}"
        assert answer_format({"accept": accept}, Format.JSON) is Format.ARROW
    assert _known_preferred.cache_info().currsize == 0
    assert answer_format({"accept": Format.ARROW}, Format.JSON) is Format.ARROW
    assert _known_preferred.cache_info().currsize == 1
