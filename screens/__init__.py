"""The wizard on the screen: built on `wizard`, which imports nothing of it."""
