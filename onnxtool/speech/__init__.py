"""The host side of a speech model: features, greedy decoding, streaming."""
