include:
  - .sub
app1: {test: [succeed_with_changes]}
