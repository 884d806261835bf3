"""Decoders: from states of `<REF>` tokens to boxes and masks."""
