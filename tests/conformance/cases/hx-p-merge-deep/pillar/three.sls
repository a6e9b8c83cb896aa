m: {n: {x: {deep: 1}}, l: {}, z: ''}
t: false
k: {q: 2}
