
{% for m in ["'644'", '644', "'0644'", '0644', '0o644', '420', "'1777'", '07', 'keep'] %}
m{{ loop.index }}:
  file.managed:
    - name: @ROOT@/m{{ loop.index }}
    - contents: x
    - mode: {{ m }}
{% endfor %}
d1:
  file.directory:
    - name: @ROOT@/d1
    - mode: 0755
d2:
  file.directory:
    - name: @ROOT@/d2
    - mode: '02750'
