from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.system import System


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path)
    try:
        system.start()
        yield system
    finally:
        system.close()
