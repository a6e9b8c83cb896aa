d: {test: [nop]}
d2: {test: [nop, {order: first}]}
