f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://d/t.j2
    - template: jinja
    - context:
        v: {{ {"a": [1, 2]} | json }}
        s: "{{ sls }}"
    - defaults: {w: dflt, v: no}
