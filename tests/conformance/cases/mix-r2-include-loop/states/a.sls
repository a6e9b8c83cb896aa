{% for n in ['a','b'] %}
{% include 'part.sls.j2' %}
{% endfor %}
