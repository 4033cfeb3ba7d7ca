"""What the plugin adds to a pytest start, and the harness to a training. Collected only when named."""
