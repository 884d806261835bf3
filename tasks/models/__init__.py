"""One file per model under test; adapters join a model with Query and Prediction."""
