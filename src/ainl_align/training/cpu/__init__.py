"""A training step written out for CPUs: a Llama-shaped frozen base in int8 under LoRA adapters."""
