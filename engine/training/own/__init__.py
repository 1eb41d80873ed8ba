"""A small model of somebody's own text: trained in a process of its own, exported as any other."""
