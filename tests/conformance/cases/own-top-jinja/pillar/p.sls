extra: [c]
