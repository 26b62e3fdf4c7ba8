"""The whole job without a screen: profile → plan → apply, checks, databases, verify."""

__version__ = "0.1.0"
