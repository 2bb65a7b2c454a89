"""A house for each test, and what jobs find that nobody disturbs."""

import pytest

from tests.faults.house import House
from tests.faults.undisturbed import Undisturbed


@pytest.fixture
def house(tmp_path):
    found = House(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    with Undisturbed(tmp_path_factory.mktemp("undisturbed")) as found:
        yield found
