"""Misbehaviour to order: which faults there are, which are armed, and who takes one."""

from acsportal.emulator.faults.armed import Fault, Faults
from acsportal.emulator.faults.catalogue import AVAILABLE, BadFaultError, read_fault

__all__ = ["AVAILABLE", "BadFaultError", "Fault", "Faults", "read_fault"]
