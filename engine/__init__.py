"""The engine: reads a text with a real transformer and gives every quantity it computed.

It knows nothing of Streamlit, Plotly or pandas. `__all__` lists its modules, sorted; they are
imported by name (`from engine import tracing`), so that nothing is loaded before it is needed.
`engine.export` and `engine.training` are programs of their own, which the app only starts.
"""

# pyright: reportUnsupportedDunderAll=false
__all__ = [
    "alignment",
    "beams",
    "borrowed",
    "bundle",
    "candidates",
    "catalog",
    "chat",
    "choosing",
    "confidence",
    "cutting",
    "decoding",
    "device",
    "errors",
    "feeds",
    "filters",
    "generation",
    "heads",
    "jobs",
    "lens",
    "lines",
    "links",
    "mapping",
    "maps",
    "outputs",
    "processes",
    "projection",
    "runtime",
    "sampling",
    "settings",
    "slicing",
    "subwords",
    "tokens",
    "tracing",
    "translation",
    "turning",
    "values",
    "verified",
    "vocabulary",
    "walking",
    "writing",
]
