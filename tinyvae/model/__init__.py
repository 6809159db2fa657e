"""The model: parameters, layers, likelihoods, the loss, Adam, and what one does with them."""
