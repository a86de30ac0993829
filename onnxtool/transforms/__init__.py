"""Models in, changed models out: never in place, and verified before anything is written."""
