src: {test: [succeed_with_changes]}
lis:
  cmd.wait:
    - name: echo x >> @ROOT@/lis; test $(wc -l < @ROOT@/lis) -ge 2
    - listen: [{test: src}]
    - retry: {attempts: 3, interval: 0}
many:
  cmd.run:
    - names:
      - echo 1 >> @ROOT@/log; false:
        - retry: {attempts: 2, interval: 0}
      - echo 2 >> @ROOT@/log; false
    - failhard: True
after: {test: [nop]}
