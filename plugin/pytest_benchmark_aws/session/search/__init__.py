"""``--aws-search``: which instance types a run launches on, chosen round by round from what came back."""
