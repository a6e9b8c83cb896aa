{% extends 'nope.j2' %}
