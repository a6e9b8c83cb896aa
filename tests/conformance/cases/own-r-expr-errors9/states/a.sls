{% for x in 5 %}{% endfor %}
