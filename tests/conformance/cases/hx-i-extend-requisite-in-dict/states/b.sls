include: [c]
bsvc:
  cmd.wait:
    - name: echo svc >> @ROOT@/log
bfirst: {test: [succeed_with_changes]}
