inc: [b, c]
