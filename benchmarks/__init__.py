"""Measures tinyvae against others, never without first checking that they compute the same."""
