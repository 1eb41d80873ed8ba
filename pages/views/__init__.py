"""Pictures: engine values in, an SVG string or a Plotly figure out; no streamlit in here."""
