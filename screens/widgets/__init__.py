"""The parts that the screens are made of, one a module."""
