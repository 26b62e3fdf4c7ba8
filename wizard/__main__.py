"""`python -m wizard` is `apimha-wizard`."""

from wizard.cli import main

if __name__ == "__main__":
    main()
