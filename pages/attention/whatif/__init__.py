"""What changes when heads are ablated."""
