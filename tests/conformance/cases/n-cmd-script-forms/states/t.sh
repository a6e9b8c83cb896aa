#!/bin/sh
echo {{ v|default('nov') }} {{ grains.id }} >> @ROOT@/log
