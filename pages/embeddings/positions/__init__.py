"""What says where a token stands."""
