"""Home: the whole path of a text, the models that are here, and more of them."""
