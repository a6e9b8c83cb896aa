#!/bin/sh
echo "$0 $# $*" | sed 's,^/[^ ]*,SELF,' >> @ROOT@/log
pwd >> @ROOT@/log
exit ${CODE:-0}
