"""What is wrong with a wrong gradient: patterns of mistakes that people make."""
