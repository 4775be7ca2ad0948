"""Tests of what tenants take along and how they end."""
