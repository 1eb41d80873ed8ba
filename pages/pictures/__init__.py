"""What several pages draw with: engine values in, SVG or a Plotly figure out; no streamlit."""
