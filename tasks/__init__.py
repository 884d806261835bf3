"""What is run: task kinds, models under test, the run loop, the command line."""
