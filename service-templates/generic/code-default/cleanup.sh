#!/bin/bash
# Runs when you press Clean up.
rm -fv /tmp/primes.txt
