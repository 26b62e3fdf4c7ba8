"""`python -m wizard.demo`: the story that `make demo` tells."""

import sys

from wizard.demo.story import main

if __name__ == "__main__":
    sys.exit(main())
