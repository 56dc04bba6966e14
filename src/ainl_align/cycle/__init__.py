"""A cycle's stages, what they were made from, and what a rerun need not repeat."""
