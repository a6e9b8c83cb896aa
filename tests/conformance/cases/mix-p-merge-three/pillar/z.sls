a: {b: null}
q: {r: 1}
