m: {b: 2, l: [3], n: {y: 2}, s: {now: map}}
t: {now: map}
k: null
