#!/bin/sh
echo "{{ v }} {{ grains.id }}" >> @ROOT@/log
