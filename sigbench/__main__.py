"""``python -m sigbench``, and the command ``sigbench``."""

from sigbench.core import interrupts

interrupts.install()  # before the imports below, which take a moment

import sys  # noqa: E402

from sigbench.cli.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
