"""The page for people, beside the service."""
