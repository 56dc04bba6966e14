"""How rows go through a model: batches and their guesses, forward passes and their memory, adapters, scores to tokens.

Of the rest of the room only the engine (``decoding/generate.py``) imports this.
"""
