"""The folder that a build leaves: its manifest, its states, and copies of it in an object storage."""
