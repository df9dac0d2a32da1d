"""What holds for all tests."""

import os

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

settings.register_profile(
    "shared", deadline=None
)  # machines that run tests are shared: how long one takes says nothing
settings.load_profile("shared")
END_TO_END = "tests/e2e/"


class SideBySide(LoadFileScheduling):  # type: ignore[misc]  # its package has no types
    """Tests on several workers: those of a file stay together, in their order, and so do all that use the kind cluster."""

    def _split_scope(self, nodeid: str) -> str:
        return END_TO_END if nodeid.startswith(END_TO_END) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    """See pytest-xdist. Files go out in their order."""
    config.option.loadscopereorder = False
    return SideBySide(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side what takes longest begins first, so that nobody is idle at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not item.nodeid.startswith(END_TO_END))
