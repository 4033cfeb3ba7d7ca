"""What several verbs share: their inputs, their output."""
