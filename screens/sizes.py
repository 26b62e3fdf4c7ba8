"""How large a terminal has to be for what."""

SMALLEST = (72, 20)
"""Columns and rows that the screens need."""
WIDE = 116
"""Columns from which both nodes stand side by side, and the checks beside the form."""
