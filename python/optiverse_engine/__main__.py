"""`python -m optiverse_engine` is the command `optiverse-engine`."""

import sys

from optiverse_engine.cli import main

sys.exit(main())
