"""The demo set STAMPS: Tux Paint's pictures, captions and sounds, linked to WordNet by hand."""

from data.stamps.recipe import stamps_ttl

__all__ = ["stamps_ttl"]
