"""A store's next state, made without training."""
