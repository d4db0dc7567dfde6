"""A build, stage by stage: read, check, train, embed, write."""
