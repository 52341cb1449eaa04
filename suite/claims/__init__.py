"""What is said of deep learning, turned into experiments whose verdict may be no."""
