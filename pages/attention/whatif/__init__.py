"""What changes when heads are switched off."""
