"""A trained model, compiled by what compiles LightGBM's trees, and its predictions beside LightGBM's own."""
