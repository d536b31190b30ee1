"""What an installation holds that is no editable one."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.end_to_end.system import ROOT


def test_the_wheel_has_every_file_of_the_agent(tmp_path: Path) -> None:
    files = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "host_agent").rglob("*.*")
        if file.suffix not in (".md", ".png", ".pyc")
    }
    source = tmp_path / "source"  # setuptools leaves its build directory there
    for file in (*files, "pyproject.toml", "README.md", "LICENSE"):
        copy = source / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / file).read_bytes())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
        timeout=100,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())
    assert any(file.endswith(".py") for file in files)
