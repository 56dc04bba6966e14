"""Faults thrown at a whole cycle, and what a rerun of the same command makes of them."""
