a:
  file.managed:
    - name: @ROOT@/latin
    - contents: "größe"
    - encoding: latin-1
