"""Tasks that carry their meaning: prompts, golds, scenarios, and the families that make them."""
