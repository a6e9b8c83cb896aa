f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ {1: 1, 'a': 2} | json }}
