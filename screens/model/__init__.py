"""The open profile and what the screens know of it; no widget."""
