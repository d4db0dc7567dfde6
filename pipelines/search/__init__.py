"""A question: understood, constrained, scored, answered, and its answer explained and shown as cards."""
