"""The battery of bad inputs, read once."""

import pytest

from tests.hostile.test_battery import BATTERY


@pytest.fixture
def battery():
    return BATTERY
