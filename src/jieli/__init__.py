"""Jieli 接力: the operating system of a tiered medical alliance."""
