#!/bin/bash
# Runs once per version on every instance, before the version is used. A code other than 0 keeps it from being used.
echo "init on $MY_ROLE $MY_ID ($MY_IP)"
