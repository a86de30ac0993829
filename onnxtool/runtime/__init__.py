"""ONNX Runtime, and only here: sessions in processes of their own, and what to feed them."""
