größe:
  file.managed:
    - name: @ROOT@/größe
    - contents: "größer → äöü"
