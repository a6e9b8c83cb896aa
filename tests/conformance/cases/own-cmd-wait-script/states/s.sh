#!/bin/sh
echo "ws $1" >> @ROOT@/log
