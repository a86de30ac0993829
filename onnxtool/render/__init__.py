"""Results as text: builds strings and renderables, prints nothing."""
