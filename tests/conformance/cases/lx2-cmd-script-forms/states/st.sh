#!/bin/sh
echo changed=no
