"""Attention: every head of every layer, and one of them exactly."""

from pages.attention.page import attention_page
from pages.shell.frame import frame

attention_page(frame("Attention"))
