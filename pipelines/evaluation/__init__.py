"""What is measured of a store or of a user's own split, and how the figures are told."""
