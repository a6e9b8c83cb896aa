include: [b]
c1: {test: [nop]}
c2: {test: [nop, {order: first}]}
