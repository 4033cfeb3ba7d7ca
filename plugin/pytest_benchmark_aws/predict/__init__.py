"""What was not measured, predicted from what was, with how sure that is. Standard library only."""
