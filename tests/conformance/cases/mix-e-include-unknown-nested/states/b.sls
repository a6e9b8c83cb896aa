include: [nope.x]
