k1: null
k4: {x: null}
k6: ""
