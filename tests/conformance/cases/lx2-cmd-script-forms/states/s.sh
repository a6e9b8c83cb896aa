#!/bin/sh
echo "$# $1 $EV" >> @ROOT@/log
