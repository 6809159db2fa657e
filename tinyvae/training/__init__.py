"""The training loop: its options, state, history and interrupts."""
