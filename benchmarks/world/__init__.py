"""The sample world: procedural 128-pixel scenes, written in the official on-disk formats."""
