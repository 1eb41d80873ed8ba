"""The engine: reads a text with a real transformer and gives every quantity it computed.

It knows nothing of Streamlit, Plotly or pandas. `PUBLIC` lists its modules and the names of each
that pages may use, sorted; a test compares the list with what exists. They are imported from their
modules (`from engine.tracing import layer`), so that nothing heavy is loaded unasked.
"""
