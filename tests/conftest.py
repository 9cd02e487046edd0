"""What all tests share: which of them the fast loop leaves out, and how properties are tried."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker per core; more threads of torch than cores take twice the time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A machine that is busy, or compiles on a first call, is no failure.
# For other examples: pytest --hypothesis-profile default FILE
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# Every test in one of these folders has the folder's marker.
FOLDERS = {"browser", "faults", "fuzz", "notebooks", "workflow"}
# Their modules import what only POSIX has.
collect_ignore = [] if os.name == "posix" else ["browser", "faults", "fuzz"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests by their folder; what needs more than this package is also slow."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in FOLDERS:
            item.add_marker(folder)
        if folder in FOLDERS or item.get_closest_marker("orthanc"):
            item.add_marker("slow")
