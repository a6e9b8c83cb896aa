
{% for r in ['True', '3', '{attempts: 2}', '{interval: 0}', '[attempts, 2]', '{attempts: 1, interval: 0}', '{attempts: 0, interval: 0}', '"x"', '{attempts: 2, interval: 0, until: "False"}'] %}
{% if r not in ['True', '3', '{attempts: 2}', '{interval: 0}', '[attempts, 2]', '"x"'] %}
r{{ loop.index }}:
  cmd.run:
    - name: echo x >> @ROOT@/r{{ loop.index }}; false
    - retry: {{ r }}
{% endif %}
{% endfor %}
