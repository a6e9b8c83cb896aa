{% import 'macros.yml' as macros %}

{% set partitions = salt.partmod.prepare(pillar['partitions']) %}
{% set is_uefi = grains['efi'] %}

{% for device, info in partitions.items() if filter(device) %}
{{ macros.log('partitioned', 'label_' ~ device) }}
label_{{ device }}:
  partitioned.labeled:
    - name: {{ device }}
    - label: {{ info.label }}

  {% for part in info.partitions %}
{{ macros.log('partitioned', 'part_' ~ part.id) }}
part_{{ part.id }}:
  partitioned.mkparted:
    - name: {{ part.id }}
    - fs_type: {{ part.fs_type }}
    {% if part.flags %}
    - flags: {{ part.flags }}
    {% endif %}
    - start: {{ part.start }}
    - end: {{ part.end }}
    {% if loop.index0 > 0 %}
    - require:
      - partitioned: part_{{ info.partitions[loop.index0 - 1].id }}
    {% endif %}
  {% endfor %}
{% endfor %}
