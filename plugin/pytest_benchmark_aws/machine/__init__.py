"""The machine at hand: what it is, and what else it was doing. Standard library only."""
