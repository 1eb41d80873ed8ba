"""The shared code that imports streamlit: frame, cache, components, share, progress."""
