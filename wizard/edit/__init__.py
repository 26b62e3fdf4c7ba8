"""Editors that keep every other byte (`xml`, `settings`): bytes, edits, what changes for people, the new bytes."""
