{% for k, v in pillar.items() %}
f{{ loop.index }}:
  file.managed:
    - name: @ROOT@/{{ loop.index }}
    - contents: {{ v | string | json }}
{% endfor %}
g:
  file.managed:
    - name: @ROOT@/g
    - contents: |
        {{ pillar.oct }} {{ pillar.str }} {{ pillar[True] }} {{ pillar.f }} {{ pillar.sci }} {{ pillar.date }} {{ pillar.null_ }} {{ pillar.time }} {{ pillar.list }} {{ pillar[1] }}
