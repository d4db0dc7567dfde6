"""What a store lacks: values of a property, and the missing end of a fact."""
