"""Faults, each planted in a healthy bundle: what a rule must tell from all others."""
