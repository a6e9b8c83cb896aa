include: [d]
extend:
  @ROOT@/f:
    file:
      - contents: ext
