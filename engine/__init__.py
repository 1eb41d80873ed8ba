"""The engine: reads a text with a real transformer and gives every quantity it computed.

It knows nothing of Streamlit, Plotly or pandas.
"""
