"""A list of moves, done or undone as a whole: journal, staging, locks, recovery.  Nothing else writes into a home."""
