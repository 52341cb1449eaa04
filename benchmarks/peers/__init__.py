"""The suite beside its peers: the same models, data, optimizer and steps in each trainer."""
