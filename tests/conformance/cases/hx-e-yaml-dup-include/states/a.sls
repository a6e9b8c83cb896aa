include: [b]
include: [c]
