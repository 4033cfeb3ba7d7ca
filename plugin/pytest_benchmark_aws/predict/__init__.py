"""What other machines, scales and threads would take, from what was measured: pure, the standard library alone."""
