"""The reference model: grammar, encoders, decoders, training, bundled weights."""
