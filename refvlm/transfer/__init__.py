"""Moving a visual prompt generator from one language model to another, after VPGTrans (arXiv 2305.01278)."""
