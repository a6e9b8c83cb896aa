{% set forms = [true, false, 2, {'attempts': 2, 'interval': 0}, {'attempts': '2', 'interval': 0}, {'attempts': 0, 'interval': 0}, {'attempts': 1, 'interval': 0},{'attempts': 2, 'interval': 0, 'until': false}, {'until': false,'attempts':2,'interval':0,'splay':0}, {'attempts': -1, 'interval': 0}] %}
{% for f in forms if f is mapping or f is false %}
s{{ loop.index }}:
  cmd.run:
    - name: echo {{ loop.index }} >> @ROOT@/log; false
    - retry: {{ f|json }}
{% endfor %}
