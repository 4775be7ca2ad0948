"""Foyer's front door: starts the database, the broker and the product on one machine, and stops them again.

It uses the standard library only, so that it starts quickly and can say in one line what is missing. The one
exception is psycopg2, for a DATABASE_URL that somebody else serves. No module in here imports Django.
"""
