"""From observations and facts to one vector for each entity."""
