f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ [1,2] | union([2,3]) }} {{ (1,) | union((1,)) }}
