"""``python -m tinyvae`` is ``tinyvae``."""

from tinyvae.cli import main

main()
