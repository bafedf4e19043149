"""The bundle of the built-in orders spec: ``sluice kernel export --out FOLDER``, and its folder in SLUICE_BUNDLE."""

import os
from pathlib import Path

import pytest

from sluice_kernel import Kernel


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(os.environ["SLUICE_BUNDLE"])


@pytest.fixture
def kernel(folder: Path) -> Kernel:
    return Kernel(folder)
