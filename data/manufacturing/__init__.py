"""A machine that sensors watch: a folder of runs as CSV, told as SOSA, SSN and QUDT."""

from data.manufacturing.recipe import machines_ttl

__all__ = ["machines_ttl"]
