#!/bin/sh
echo "$@" >> @ROOT@/log
