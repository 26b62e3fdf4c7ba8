"""Questions above a screen."""
