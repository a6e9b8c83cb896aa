f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ salt['test.exception']() }}
