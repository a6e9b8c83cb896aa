include:
  - .one
  - orch.two
extend:
  step1:
    salt.state:
      - pillar: {k: ext}
