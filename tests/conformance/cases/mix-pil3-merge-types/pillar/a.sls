k1: {a: 1}
k2: [1]
k3: s
k4: {x: {y: [1]}}
k5: null
k6: 0
