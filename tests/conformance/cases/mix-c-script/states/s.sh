#!/bin/bash
echo "$@ $V" > @ROOT@/$1
