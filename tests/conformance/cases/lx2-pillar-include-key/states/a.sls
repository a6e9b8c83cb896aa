f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ pillar | json }}
