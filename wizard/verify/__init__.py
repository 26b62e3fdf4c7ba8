"""After the start: what the logs, the Spark UIs and the homes say about the pair."""
