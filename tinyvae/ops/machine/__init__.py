"""What a reader of VAEs may skip: compilation, vectors, threads, memory."""
