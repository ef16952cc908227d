"""Where the real-world test data lies, if it is there."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_data(relative: str) -> Path:
    """Path of a file or folder of the test data; skips the test where it is absent.

    The data lies in `TARMAC_DATA`, or else in `../shared/data` beside the checkout.
    """
    base = Path(os.environ.get("TARMAC_DATA") or ROOT.parent / "shared" / "data")
    path = base / relative
    if not path.exists():
        pytest.skip(f"test data {path} is absent (set TARMAC_DATA)")
    return path
