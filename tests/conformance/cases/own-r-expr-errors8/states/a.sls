{% include 'nope.jinja' %}
