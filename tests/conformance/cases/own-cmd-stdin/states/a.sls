a:
  cmd.run:
    - name: cat > @ROOT@/in
    - stdin: |
        some
        text
