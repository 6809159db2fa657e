"""What an install costs: size and import time of the base, and of each extra alone.

Times are of the processor: on a shared machine those of the wall mean little.
Each is a fresh virtual environment into which this checkout is installed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Left out unless named: torch alone takes gigabytes.
LARGE = ("bench",)
_IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn", "pytest-xdist": "xdist"}
_NOT_IMPORTED = {"jupyterlab", "ruff", "axe-playwright-python", "playwright", "tinyvae"}
_MIB = 2**20

_TIMED = """
import time
started = time.process_time()
import {modules}
print(time.process_time() - started)
"""


def _requirements() -> dict[str, list[str]]:
    """Return the names of what each extra requires by itself."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    return {
        extra: [word.split(">")[0].split("=")[0].split("[")[0] for word in words]
        for extra, words in extras.items()
    }


def _environment(place: Path, what: str) -> Path:
    """Make a virtual environment, install into it, and return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    found = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(found), "install", "--no-compile", "-q"]
    subprocess.run([*pip, what], check=True, cwd=ROOT)
    return found


def _size(python: Path, package: str = "") -> float:
    """Return MiB of what is installed, or of one package, without what Python compiles."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    where = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    files = Path(where.stdout.strip(), package).rglob("*")
    kept = [path for path in files if path.is_file() and "__pycache__" not in path.parts]
    return sum(path.stat().st_size for path in kept) / _MIB


def _import_seconds(python: Path, modules: list[str], rounds: int = 9) -> float:
    code = _TIMED.format(modules=", ".join(modules))
    with tempfile.TemporaryDirectory() as elsewhere:
        done = [
            subprocess.run(
                [python, "-c", code], capture_output=True, text=True, check=True, cwd=elsewhere
            )
            for _ in range(rounds + 1)
        ]
    return statistics.median(float(run.stdout) for run in done[1:])


def base(commit: str | None = None) -> dict[str, float]:
    """Return size and import times of the base install, or of what a commit's would be."""
    with tempfile.TemporaryDirectory() as room:
        source = "."
        if commit is not None:
            source = str(Path(room, "source"))
            subprocess.run(["git", "worktree", "add", "-q", "--detach", source, commit], check=True)
        try:
            python = _environment(Path(room, "venv"), source)
        finally:
            if commit is not None:
                subprocess.run(["git", "worktree", "remove", "--force", source], check=True)
        return {
            "all_mib": _size(python),
            "tinyvae_mib": _size(python, "tinyvae"),
            "import_tinyvae": _import_seconds(python, ["tinyvae"]),
            "import_cli": _import_seconds(python, ["tinyvae.cli"]),
        }


def alone(extra: str, names: list[str]) -> dict[str, float]:
    """Return size and import times where only one extra is installed."""
    modules = [_IMPORTED_AS.get(name, name) for name in names if name not in _NOT_IMPORTED]
    with tempfile.TemporaryDirectory() as room:
        python = _environment(Path(room), f".[{extra}]")
        found = {"all_mib": _size(python), "import_tinyvae": _import_seconds(python, ["tinyvae"])}
        if modules:
            found["import_own"] = _import_seconds(python, modules)
        return found


def table(found: dict[str, dict[str, float]]) -> str:
    """Return a Markdown table; sizes of extras are what they add to the base."""
    base_size = found["base"]["all_mib"]
    lines = [
        "| install | size, MiB | `import tinyvae`, ms | its own libraries, s |",
        "| --- | --- | --- | --- |",
    ]
    for name, row in found.items():
        added = row["all_mib"] - (0.0 if name == "base" else base_size)
        own = f"{row['import_own']:.2f}" if "import_own" in row else ""
        size = f"{added:.0f}" if name == "base" else f"+{added:.1f}"
        title = "base" if name == "base" else f"`tinyvae[{name}]`"
        lines.append(f"| {title} | {size} | {1e3 * row['import_tinyvae']:.1f} | {own} |")
    return "\n".join(lines)


def main(output: Path, only: list[str], against: str | None) -> None:
    """Measure, print a table, and keep it with the numbers."""
    extras = {
        name: names
        for name, names in _requirements().items()
        if name in only or (not only and name not in (*LARGE, "all"))
    }
    found = {"base": base()} | {name: alone(name, names) for name, names in extras.items()}
    lines = [table(found)]
    if against is not None:
        before = base(against)
        for name, value in found["base"].items():
            lines.append(f"{name}: {before[name]:.4f} at {against}, {value:.4f} now")
        found[against] = before
    output.mkdir(parents=True, exist_ok=True)
    (output / "extras.json").write_text(json.dumps(found, indent=2))
    (output / "extras.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
