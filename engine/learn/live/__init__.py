"""The live answers, by what they are about. `engine.learn.answers` imports them all."""
