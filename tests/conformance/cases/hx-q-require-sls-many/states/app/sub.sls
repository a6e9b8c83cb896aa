sub1: {test: [fail_without_changes]}
