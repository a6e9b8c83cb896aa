{% set tree = [{'name':'a','kids':[{'name':'b','kids':[{'name':'c'}]},{'name':'d'}]},{'name':'e'}] %}
f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {% for n in tree recursive %}{{ loop.depth }}{{ loop.depth0 }}{{ n.name }}{% if n.kids %}({{ loop(n.kids) }}){% endif %}{% endfor %}
