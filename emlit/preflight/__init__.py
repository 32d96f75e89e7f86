"""Before training: what a model does on a prompt set, and what the literature makes of it."""
