#!/bin/bash
# Runs when instances have joined or left.
echo "there are $(jq length "$TOPOLOGY") instances now"
