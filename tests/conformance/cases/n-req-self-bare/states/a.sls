svc:
  test.succeed_with_changes:
    - require:
      - svc
  file.managed:
    - name: @ROOT@/svc
