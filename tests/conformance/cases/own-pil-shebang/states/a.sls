x-{{ pillar.j }}-{{ pillar.t }}:
  test.nop:
    - name: {{ pillar.k | yaml_encode }}
