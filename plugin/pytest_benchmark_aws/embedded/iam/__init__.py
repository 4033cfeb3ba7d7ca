"""IAM as embedded AWS enforces it."""
