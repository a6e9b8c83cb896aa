x:
  file.managed:
    - name: @ROOT@/x
      contents: both
      mode: '0600'
