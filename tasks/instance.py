"""Instance segmentation: a picture in, a mask, a name and a score of every object out."""

from tasks.objects import kind

KINDS = [kind("instance", "mask", {})]
