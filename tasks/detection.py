"""Object detection: a picture in, a box, a name and a score of every object out."""

from tasks.objects import kind

KINDS = [kind("detection", "box", {})]
