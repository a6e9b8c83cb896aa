{% include 'a.sls' %}
