"""References to passwords, and resolving them."""
