"""Evaluate every checkpoint, rank them, promote the best."""
