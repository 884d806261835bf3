"""From checkpoints of others to ours: where weights are read, which name becomes which, what is written."""
