data:
  inner: {k: v}
