include: [z]
