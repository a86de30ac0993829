"""What a release must not ship: rules over graphs and folders of graphs, and the engine."""
