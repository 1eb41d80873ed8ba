"""Who is compared: each a process of its own, so that its memory and its threads are its own.

A player reads one JSON object a line, {"do": name, ...}, and answers with one, {"seconds": ...} or
{"error": ...}. `python -m bench.players.NAME FOLDER` makes it load the model in FOLDER and wait.
"""
