"""The floor that every app stands on: no tables, and no import of ours."""
