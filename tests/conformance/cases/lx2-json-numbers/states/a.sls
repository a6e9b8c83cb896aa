f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ {10: 1, 9: 2, 1.5: 3} | json }} {{ {true: 1, 0: 2} | json }} {{ {none: 1} | json }} {{ {10: 1, 'a': 2} | json(sort_keys=False) }}
