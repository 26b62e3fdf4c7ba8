"""Profile and packs become the list of changes, as data; the diff.  Touches nothing."""
