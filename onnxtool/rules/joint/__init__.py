"""J: the joint and the predictor of a transducer."""
