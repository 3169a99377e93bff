#!/bin/bash
# Runs when you press Interrupt, before what runs is asked to end.
echo "interrupting $MY_ROLE $MY_ID"
