"""Model and prompt set in, report out."""
