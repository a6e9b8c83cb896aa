f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ salt['grains.filter_by']({'A': {'p': 1, 'd': {'x': 1}}}, grain='flavour', merge={'d': {'y': 2}}) }} {{ salt['grains.filter_by']({'A': {'p': 1}}, grain='flavour', merge=none) }} {{ salt['grains.filter_by']({'A': {'p': 1}}, grain='flavour', merge='x') }}
