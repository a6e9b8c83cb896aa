the_id:
  file.managed:
    - name: @ROOT@/f
    - contents: original
