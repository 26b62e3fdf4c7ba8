"""How large a terminal has to be for what."""

SMALLEST = (72, 20)
"""Columns and rows that the screens need."""
VAST = 160
"""Columns from which the changes of a step are shown beside its form."""
WIDE = 116
"""Columns from which both nodes stand side by side, and the checks beside the form."""
