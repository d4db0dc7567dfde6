"""How each demo set is obtained and turned into RDF; imports nothing of the product."""
