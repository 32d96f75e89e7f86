"""A local page: one prompt answered plainly and with EM-INF, side by side, each token by its entropy."""
