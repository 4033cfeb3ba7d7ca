"""A run from its plan to its outcome, with no word of pytest."""
