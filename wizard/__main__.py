"""`python -m wizard` is `apimha-wizard`."""

from wizard.main import main

if __name__ == "__main__":
    main()
