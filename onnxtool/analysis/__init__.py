"""What a model is made of: its weights, operators, modules, cost and damage."""
