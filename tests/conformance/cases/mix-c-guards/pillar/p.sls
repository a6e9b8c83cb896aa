k: {l: {x: true}}
