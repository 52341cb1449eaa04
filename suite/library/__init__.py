"""Backbones that other libraries define: torchvision, torchaudio and transformers.

Random or pretrained weights, which may stay frozen as a whole or but for the top layers.
"""
