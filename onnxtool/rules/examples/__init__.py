"""Models that rules are shown with: each a bad one, which is reported, and a good one."""
