"""From observations and facts to one vector for each entity."""

from fusion.attention import CrossModalAttention
from fusion.autoencoder import CrossModalAutoencoder
from fusion.concat import Concatenation
from fusion.senses import SenseFusion

FUSIONS: dict[str, type[SenseFusion]] = {
    "attention": CrossModalAttention,
    "autoencoder": CrossModalAutoencoder,
    "concat": Concatenation,
}
"""Fusion by name: adding one is one file and one line here."""
