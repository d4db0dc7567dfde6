"""Groceries: photos, icons, descriptions and a hierarchy of products as RDF."""
