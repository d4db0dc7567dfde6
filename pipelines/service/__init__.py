"""The service for programs: requests, who may ask, the lines in which they wait, the state that answers."""
