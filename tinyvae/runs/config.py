"""``config.json``: the options of a run written down, with what its data were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyvae.checkpoint import replace_file
from tinyvae.errors import FileFormatError, UsageError
from tinyvae.runs.options import RunOptions
from tinyvae.schema import Schema, check_fields, count, several, word

_LARGEST_CONFIG = 1 << 20  # bytes; ours have two thousand

#: What is known of the data; the folder of a run that tinyvae wrote has all of it.
DATA: Schema = {
    "name": word(),
    "train": several(count(at_least=0), 2),
    "test": several(count(at_least=0), 2),
    "dtype": word(),
    "image_shape": several(count(), 2, optional=True),
    "classes": several(word(), optional=True),
}


@dataclass(frozen=True)
class Config:
    """What ``config.json`` holds.

    Attributes
    ----------
    options : RunOptions
    data : mapping
        What the data were: ``name``, the shapes ``train`` and ``test``, ``dtype``,
        ``image_shape``, and of a conditional model ``classes``, their names.
    version : str
        Of the tinyvae that wrote it.
    """

    options: RunOptions
    data: Mapping[str, Any]
    version: str

    def write(self, path: Path) -> None:
        """Write the file, replaced only when it is whole.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        content = {
            "tinyvae": self.version,
            "options": asdict(self.options),
            "data": dict(self.data),
        }
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> Config:
        """Read what ``write`` wrote, or a file by hand, in which only ``options`` must be there.

        Raises
        ------
        FileFormatError
            If it cannot be read, or is no such file.
        UsageError
            If there is no such file, or an option is not known or makes no sense.
        """
        content = _read_json(path)
        options = content.get("options") if isinstance(content, dict) else None
        if not isinstance(options, dict):
            raise FileFormatError(
                f'{path} is not a run\'s config.json: it must be a JSON object with "options".'
            )
        try:
            read = RunOptions().changed(options)
        except UsageError as error:
            raise type(error)(f"{path}: {error}") from None
        try:
            recorded = content.get("data", {})
            data = check_fields(DATA, recorded, "data", optional=DATA, closed=False)
            version = word()("tinyvae", content.get("tinyvae", "unknown"))
        except UsageError as error:
            raise FileFormatError(f"{path} is not a run's config.json: {error}") from None
        return cls(read, _lists(data), version)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that is replaced only when it is whole.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    with replace_file(path) as file:
        file.write(json.dumps(content, indent=2).encode() + b"\n")


def _read_json(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"{path} is not a file; give the config.json of a run.")
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_CONFIG + 1)
        if len(text) > _LARGEST_CONFIG:
            raise ValueError(f"it is larger than {_LARGEST_CONFIG:,} bytes")
        return json.loads(text)
    except RecursionError:
        raise FileFormatError(
            f"{path} cannot be read as a run's config.json: it is nested too deeply."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path} cannot be read as a run's config.json: {reason}.") from error


def _lists(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping as JSON would give it again."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}
