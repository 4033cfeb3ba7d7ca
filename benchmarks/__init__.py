"""The LightGBM multiclass training experiment, as benchmark tests."""
