"""The engine in this very process: what `engine.api` promises, computed once and kept.

Keys are small scalars and `Reading`s, never arrays; with each goes the digest of the model's files,
so that a model exported again is never answered from what the old one gave. All values live in one
cache bounded by bytes (`ATLAS_TRACE_MB`); two sessions that ask for the same value at the same time
share one computation. An `EngineError` passes through and is not kept.
"""
