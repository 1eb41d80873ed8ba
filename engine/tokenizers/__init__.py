"""Tokenizers: text to tokens and back, step by step, from outside, in chats; vocabularies."""
