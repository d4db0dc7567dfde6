"""What a model learns of the whole graph, links and alignment, and how well; it knows no store."""
