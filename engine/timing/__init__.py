"""How long models take on this machine, measured now.

cache_size    the bytes of keys and values that are kept, by formula
measuring     many tokens in one run, one after the other, and by a recurrent network
asking        what can be asked: a part of `engine.api.Engine`
"""
