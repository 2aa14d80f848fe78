"""``python -m sigbench``."""

import sys

from sigbench.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
