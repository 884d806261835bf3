"""Entry point of the console script."""


def main() -> int:
    """Run the command line."""
    return 0
