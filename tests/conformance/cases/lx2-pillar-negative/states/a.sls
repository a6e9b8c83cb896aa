f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        [{{ salt['pillar.get']('d:l:-1', 'x') }}]
