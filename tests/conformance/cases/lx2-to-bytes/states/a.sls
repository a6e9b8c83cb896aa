f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ 'ü' | to_bytes('latin-1') }} {{ 'ü' | to_bytes(encoding='utf-16') }} {{ 'aü' | to_bytes('ascii', 'ignore') }} {{ 'ü' | to_bytes }}
