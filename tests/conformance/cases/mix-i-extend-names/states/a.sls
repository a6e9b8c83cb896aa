include: [d]
extend:
  d:
    file:
      - names: [@ROOT@/n1, @ROOT@/n2]
