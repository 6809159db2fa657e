"""``python -m tinyvae`` is ``tinyvae``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, whose import may be interrupted, too."""
    try:
        from tinyvae.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
