conf: {x: {q: 'yes', r: [a, b]}}
