"""The pure part: no input or output, the standard library only."""
