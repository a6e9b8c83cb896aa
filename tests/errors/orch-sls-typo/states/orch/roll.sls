step:
  salt.state:
    - tgt: '*'
    - sls:
      - wbe
