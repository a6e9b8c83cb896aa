{% for f, n in [('sums', None), ('sums', 'other'), ('sums', 'nosuch'), ('one', None), ('one', 'other'), ('two', None), ('two', 'src'), ('bsd', None), ('sums', 'sub/src')] %}
a{{ loop.index }}:
  file.managed:
    - name: @ROOT@/a{{ loop.index }}
    - source: @ROOT@/src
    - source_hash: @ROOT@/{{ f }}
{% if n %}    - source_hash_name: {{ n }}{% endif %}
{% endfor %}
named:
  file.managed:
    - name: @ROOT@/other
    - source: @ROOT@/src
    - source_hash: @ROOT@/sums
