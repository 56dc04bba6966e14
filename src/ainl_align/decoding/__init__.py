"""Decoding: a batched engine, and a constraint under which a model can write nothing but canonical programs."""
