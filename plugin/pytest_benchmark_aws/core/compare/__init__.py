"""Results -> comparable records -> tables, and how sure their differences are."""
