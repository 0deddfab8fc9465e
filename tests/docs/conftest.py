"""A demo that serves, as a reader of the pages has it; started once for all of their tests."""

from collections.abc import Iterator

import pytest

from tests.docs.running_demo import RunningDemo, running_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """`shuniu demo`, its main job over, in a folder of its own."""
    with running_demo(tmp_path_factory.mktemp("reader")) as running:
        yield running
