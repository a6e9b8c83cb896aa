s1:
  test.succeed_with_changes:
    - listen_in: [{cmd: lis}]
lis:
  cmd.wait:
    - name: echo lis >> @ROOT@/log
    - order: last
last: {test: [nop, {order: last}]}
bad:
  test.fail_with_changes:
    - failhard: True
    - order: 10005
    - listen_in: [{cmd: lis2}]
lis2:
  cmd.wait:
    - name: echo lis2 >> @ROOT@/log
rescue: {test: [nop, {onfail: [{test: bad}]}]}
early: {test: [nop, {order: 1}]}
