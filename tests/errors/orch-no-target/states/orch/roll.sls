step:
  salt.state:
    - sls: [web]
