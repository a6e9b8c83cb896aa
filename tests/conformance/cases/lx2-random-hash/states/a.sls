f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ salt['random.hash']('abc', 'md5') }} {{ salt['random.hash']('abc') }}
