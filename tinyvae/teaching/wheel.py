"""A wheel of the package as it is installed here, for handed-out notebooks to install from.

Written by the format of wheels (PEP 427): the package's files, and those that describe them.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

PACKAGE = Path(__file__).parents[1]
WHEEL = "Wheel-Version: 1.0\nGenerator: tinyvae\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
LEFT_OUT = ("__pycache__", "notebooks")


def write_wheel(folder: Path) -> Path:
    """Write the wheel, without the notebooks, and return its path."""
    about = distribution("tinyvae")
    name = f"tinyvae-{about.version}"
    licenses = (file for file in about.files or () if "licenses" in file.parts)
    described = {str(file): file.read_binary() for file in licenses} | {
        f"{name}.dist-info/METADATA": (about.read_text("METADATA") or "").encode(),
        f"{name}.dist-info/WHEEL": WHEEL.encode(),
        f"{name}.dist-info/entry_points.txt": (about.read_text("entry_points.txt") or "").encode(),
    }
    files = {f"tinyvae/{p.relative_to(PACKAGE).as_posix()}": p.read_bytes() for p in _files()}
    record = f"{name}.dist-info/RECORD"
    path = folder / f"{name}-py3-none-any.whl"
    with ZipFile(path, "w", ZIP_DEFLATED) as wheel:
        rows = []
        for inside, content in (files | described).items():
            wheel.writestr(inside, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            rows.append(f"{inside},sha256={digest.decode()},{len(content)}\n")
        wheel.writestr(record, "".join([*rows, f"{record},,\n"]))
    return path


def _files() -> list[Path]:
    found = (path for path in sorted(PACKAGE.rglob("*")) if path.is_file())
    return [path for path in found if not set(path.relative_to(PACKAGE).parts) & set(LEFT_OUT)]
