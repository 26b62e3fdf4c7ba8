"""Checks of the MySQL step: to be replaced by helper DATABASE."""

from __future__ import annotations

from wizard.checks import Check

CHECKS: tuple[Check, ...] = ()
