"""Medicine: a user's folder of studies, or a synthetic phantom with a known answer, as RDF."""
