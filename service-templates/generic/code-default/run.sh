#!/bin/bash
# Runs when you press Run. Parameters arrive as arguments: how far to count.
exec python3 primes.py "${1:-300000}"
