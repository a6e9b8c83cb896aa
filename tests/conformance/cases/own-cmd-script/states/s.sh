#!/bin/sh
echo "script $1 $2 $FOO" >> @ROOT@/log
exit ${3:-0}
