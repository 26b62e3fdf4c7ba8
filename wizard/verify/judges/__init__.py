"""The judges: each looks at one part of the pair and yields findings."""
