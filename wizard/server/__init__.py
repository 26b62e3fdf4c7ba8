"""The server of a home as a process: found, launched, signalled, handed to systemd."""
