"""Real workers and beats, on real brokers."""
