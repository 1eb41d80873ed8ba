"""The engine behind Ray Serve: pages ask here, models run in replicas, on this machine or others.

`remote` is what a front holds in the place of `engine.api.Local`; `replicas` is what runs where the
models are; `questions` and `packing` say what travels between the two, `arrays` what lies in a file
for both. `programs` are exports and trainings, at a worker; `monitoring` and `origins` are what a
host sees. `python -m engine.cluster` starts and ends one node. What is needed beyond the app is in
`requirements-cluster.txt`; without it everything here can still be imported.
"""
