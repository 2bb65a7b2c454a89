"""How much an Accept header wants a media type."""

import pytest

from service.api.negotiation import quality


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", 1.0),
        ("*/*", 1.0),
        ("application/*;q=0.4", 0.4),
        ("text/html, */*;q=0.8", 0.8),
        ("application/json;q=0.2, */*", 0.2),
        ("*/*, application/json;q=0", 0.0),
        ("APPLICATION/JSON ; charset=utf-8 ; q=0.7", 0.7),
        ("text/html", 0.0),
        ("application/json;q=x", 0.0),
        ("", 0.0),
        (",;,", 0.0),
    ],
)
def test_the_closest_range_decides(accept, expected):
    assert quality(accept, "application/json") == expected
