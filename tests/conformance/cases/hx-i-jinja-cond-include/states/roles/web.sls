web: {test: [succeed_with_changes]}
