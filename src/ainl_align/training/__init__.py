"""Base models, profiles and LoRA fine-tuning."""
