"""Training of the reference model on the sample world."""
