"""Leaderboards: which runs may be ranked against each other, which is best, and everything a reader must know."""
