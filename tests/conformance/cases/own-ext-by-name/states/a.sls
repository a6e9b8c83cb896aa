include: [b]
extend:
  @ROOT@/f:
    file:
      - contents: by name
