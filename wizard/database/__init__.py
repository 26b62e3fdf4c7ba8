"""MySQL: what is there, what is missing, making it (procedure, chapter 2)."""
