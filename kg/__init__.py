"""The knowledge graph: from RDF to arrays and tensors, and back to reasons."""
