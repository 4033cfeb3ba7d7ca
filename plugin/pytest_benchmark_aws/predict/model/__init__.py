"""The machine model: how instance types differ, and what results on some of them tell of the others."""
