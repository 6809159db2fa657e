"""The tutorials: notebooks, their exercises, and the site made of them."""
