a:
  file.decode:
    - name: @ROOT@/a
    - encoded_data: aGVsbG8gd29ybGQK
    - encoding_type: base64
