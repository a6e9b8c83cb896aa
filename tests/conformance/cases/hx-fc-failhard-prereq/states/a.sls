a:
  cmd.run:
    - name: 'false'
    - failhard: True
    - prereq: [{file: f}]
f:
  file.managed: [{name: '@ROOT@/f'}, {contents: x}]
b: {test: [nop]}
