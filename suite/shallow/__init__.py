"""Models fitted on hand-made features, as a measure of what learned features are worth."""

from suite.shallow.svm import SVM

__all__ = ["SVM"]
