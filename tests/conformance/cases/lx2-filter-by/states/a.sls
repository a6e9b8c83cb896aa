f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ salt['grains.filter_by']({'A': {'p': 1}, 'B': {'p': 2}}, grain='flavour', default='B') }} {{ salt['grains.filter_by']({'A': {'p': 1}, 'default': {'p': 2}}) }} {{ salt['grains.filter_by']({'A': {'p': 1}}, grain='list') }}
