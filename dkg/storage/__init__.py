"""Files: written whole or not at all, read within limits; keys, ciphertexts and weights."""
