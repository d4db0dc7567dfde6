"""One script a claim: each runs us and the rival on the same work and writes what it measured as JSON."""
