"""The engine: reads a text with a real transformer and gives every quantity it computed.

It knows nothing of Streamlit, Plotly or pandas. `__all__` lists its parts, sorted; they are
imported by name (`from engine.trace import tracing`), so that nothing is loaded before it is
needed. `engine.export` and `engine.training` are programs of their own, which the app only starts.
"""

# pyright: reportUnsupportedDunderAll=false
__all__ = [
    "api",
    "attention",
    "blocks",
    "cluster",
    "costs",
    "decoding",
    "distributions",
    "doorway",
    "errors",
    "hosting",
    "installing",
    "jobs",
    "landscape",
    "learn",
    "links",
    "local",
    "machine",
    "models",
    "moments",
    "objectives",
    "patching",
    "policy",
    "predecessors",
    "preference",
    "prompting",
    "settings",
    "space",
    "store",
    "timing",
    "tokenizers",
    "trace",
    "tuning",
    "values",
    "variables",
    "vector_spaces",
    "web",
    "whatif",
]
