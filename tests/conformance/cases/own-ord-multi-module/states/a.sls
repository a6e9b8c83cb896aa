both:
  test.nop: []
  cmd.run:
    - name: 'true'
  file.managed:
    - name: @ROOT@/f
    - contents: x
