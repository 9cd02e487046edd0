"""Files: written whole or not at all, read within limits; keys, ciphertexts and weights.

Arguments that name a file or folder are path-like. Every function raises OSError if a file cannot
be read or written; ``Raises`` sections list only what is added to that.
"""
