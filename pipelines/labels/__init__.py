"""What is learned of a property that some entities have: the label objective, from target to scores."""
