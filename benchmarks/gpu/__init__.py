"""What the suite does with an accelerator: speed by number format, compiling, and its promises."""
