extend:
  bfirst:
    test:
      - name: from c
