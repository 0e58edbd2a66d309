"""The facts that can be known before a deployment begins: facts in, findings out."""
