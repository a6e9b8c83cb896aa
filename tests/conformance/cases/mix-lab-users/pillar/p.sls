users:
  ann: {keys: ["k1: a", "k2 \"q\""], mode: "0700"}
  bob: {absent: true}
  cyd: {}
