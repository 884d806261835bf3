"""YAML only: tasks, models, training stages."""
