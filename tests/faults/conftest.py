"""A disk of the test's own."""

import os
import subprocess

import pytest


class Disk:
    """A small file system in memory, mounted on a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self):
        """Takes every free byte."""
        with self.ballast.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self):
        self.ballast.unlink()

    def left(self):
        stat = os.statvfs(self.folder)
        return stat.f_bavail * stat.f_frsize


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    assert mounted.returncode == 0, f"this test mounts a file system in memory and needs root: {mounted.stderr}"
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
