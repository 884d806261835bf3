"""The error a user can mend: a file or an array that a metric cannot score."""


class DataError(ValueError):
    """A file or value breaks its format; the text names file, id and remedy."""
