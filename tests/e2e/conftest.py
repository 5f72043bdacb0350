"""What several files of process tests need."""

import os
import subprocess

import pytest


@pytest.fixture(scope="session")
def frames(tmp_path_factory):
    """Sixty painted frames of a drive, in a folder whose name has blanks."""
    folder = tmp_path_factory.mktemp("frames with blanks")
    build = os.environ.get("NAV_TEST_BUILD", "build")
    subprocess.run([f"{build}/tests/unit/render-frames", folder, "60"], check=True)
    return folder
