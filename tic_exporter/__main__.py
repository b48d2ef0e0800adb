"""`python -m tic_exporter` is `tic-exporter`."""

import sys

from .cli import main

sys.exit(main())
