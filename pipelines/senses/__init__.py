"""What is observed of entities: encoded, named, put on scales, and joined to the facts' graph."""
