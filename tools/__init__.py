"""What the project takes from its own code: tables, manual page, import graph.  Not part of the package."""
