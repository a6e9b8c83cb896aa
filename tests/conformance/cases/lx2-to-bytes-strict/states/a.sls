f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ 'ü' | to_bytes('ascii') }}
