f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% filter upper %}abc{{ 1 }}{% endfilter %}
        {% filter indent(2) %}a{% endfilter %}
        {% with a=1, b=2 %}{{ a+b }}{% endwith %}
