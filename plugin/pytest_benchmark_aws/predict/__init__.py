"""What other machines and scales would take, from what was measured: pure, the standard library alone."""
