include: [d]
extend:
  d:
    file.managed:
      - contents: from b
