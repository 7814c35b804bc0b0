"""Inputs of every kind into batches of text: `plan` finds the work, `Unit.batches` reads a piece of it."""

from provscan.read.options import ReadOptions, Rejected
from provscan.read.plan import Plan, plan
from provscan.read.source import digest
from provscan.read.unit import File, Unit

__all__ = ["File", "Plan", "ReadOptions", "Rejected", "Unit", "digest", "plan"]
