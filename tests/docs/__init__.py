"""Tests of the documentation's text."""
