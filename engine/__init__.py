"""The engine: reads a text with a real transformer and gives every quantity it computed.

It knows nothing of Streamlit, Plotly or pandas. `__all__` lists its parts, sorted; they are
imported by name (`from engine.trace import tracing`), so that nothing is loaded before it is
needed. `engine.export` and `engine.training` are programs of their own, which the app only starts.
"""

# pyright: reportUnsupportedDunderAll=false
__all__ = [
    "api",
    "attention",
    "decoding",
    "errors",
    "hosting",
    "installing",
    "jobs",
    "learn",
    "links",
    "local",
    "machine",
    "models",
    "policy",
    "settings",
    "space",
    "store",
    "tokenizers",
    "trace",
    "values",
    "variables",
]
