"""`python -m optiverse_engine` is the command `optiverse-engine`."""

import sys

from optiverse_engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
